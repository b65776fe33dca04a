"""Where the table of number ranges comes from: `python tests/phone_regions.py` writes it anew from phonenumbers' geocoder.

The geocoder takes half a second and 95 MB to load, and only three countries have rules by region.
"""

from collections.abc import Iterator
from pathlib import Path

from phonenumbers.geodata import GEOCODE_DATA

TABLE = Path(__file__).parents[1] / "src/recallgate/phone/data/regions.csv"
# calling code -> leading digits of the national number that the geocoder looks at, and the countries that share the code
RANGES = {"1": (6, ("US", "CA")), "86": (7, ("CN",))}

US_STATES = {
    "Alabama": "AL", "Alaska": "AK", "Arizona": "AZ", "Arkansas": "AR", "California": "CA", "Colorado": "CO",
    "Connecticut": "CT", "Delaware": "DE", "Washington D.C.": "DC", "Florida": "FL", "Georgia": "GA", "Hawaii": "HI",
    "Idaho": "ID", "Illinois": "IL", "Indiana": "IN", "Iowa": "IA", "Kansas": "KS", "Kentucky": "KY", "Louisiana": "LA",
    "Maine": "ME", "Maryland": "MD", "Massachusetts": "MA", "Michigan": "MI", "Minnesota": "MN", "Mississippi": "MS",
    "Missouri": "MO", "Montana": "MT", "Nebraska": "NE", "Nevada": "NV", "New Hampshire": "NH", "New Jersey": "NJ",
    "New Mexico": "NM", "New York": "NY", "North Carolina": "NC", "North Dakota": "ND", "Ohio": "OH", "Oklahoma": "OK",
    "Oregon": "OR", "Pennsylvania": "PA", "Rhode Island": "RI", "South Carolina": "SC", "South Dakota": "SD",
    "Tennessee": "TN", "Texas": "TX", "Utah": "UT", "Vermont": "VT", "Virginia": "VA", "Washington State": "WA",
    "West Virginia": "WV", "Wisconsin": "WI", "Wyoming": "WY",
}  # fmt: skip

CA_PROVINCES = {
    "Alberta": "AB", "British Columbia": "BC", "British Colombia": "BC", "Manitoba": "MB", "New Brunswick": "NB",
    "Newfoundland and Labrador": "NL", "Nova Scotia": "NS", "Northwest Territories": "NT", "Nunavut": "NU", "Ontario": "ON",
    "Prince Edward Island": "PE", "Quebec": "QC", "Saskatchewan": "SK", "Yukon": "YT",
}  # fmt: skip

CN_PROVINCES = {
    "Anhui": "AH", "Beijing": "BJ", "Chongqing": "CQ", "Fujian": "FJ", "Gansu": "GS", "Guangdong": "GD", "Guangxi": "GX",
    "Guizhou": "GZ", "Hainan": "HI", "Hebei": "HE", "Heilongjiang": "HL", "Henan": "HA", "Hubei": "HB", "Hunan": "HN",
    "Inner Mongolia": "NM", "Jiangsu": "JS", "Jiangxi": "JX", "Jilin": "JL", "Liaoning": "LN", "Ningxia": "NX",
    "Qinghai": "QH", "Shaanxi": "SN", "Shandong": "SD", "Shanghai": "SH", "Shanxi": "SX", "Sichuan": "SC", "Tianjin": "TJ",
    "Tibet": "XZ", "Xinjiang": "XJ", "Yunnan": "YN", "Zhejiang": "ZJ",
}  # fmt: skip

_NAMES = {"US": US_STATES, "CA": CA_PROVINCES, "CN": CN_PROVINCES}
_CODES = {country: frozenset(names.values()) for country, names in _NAMES.items()}


def region_of(country: str, description: str) -> str | None:
    """The ISO 3166-2 code for "City, Province", "City, ST" or "State"; None for a country, several regions or a bare city."""
    last = description.rpartition(", ")[2]
    code = _NAMES[country].get(last, last)
    return f"{country}-{code}" if code in _CODES[country] else None


def described(code: str) -> dict[str, str | None]:
    """Prefix of the national number -> region, for a calling code."""
    _, countries = RANGES[code]
    found = {}
    for prefix, names in GEOCODE_DATA.items():
        if prefix.startswith(code) and "en" in names:
            regions = {region for country in countries if (region := region_of(country, names["en"])) is not None}
            found[prefix[len(code) :]] = regions.pop() if len(regions) == 1 else None
    return found


def region(prefixes: dict[str, str | None], digits: str) -> str | None:
    """The region of the longest prefix that is known."""
    return next((prefixes[digits[:n]] for n in range(len(digits), 0, -1) if digits[:n] in prefixes), None)


def rows() -> Iterator[tuple[str, str, str]]:
    """Calling code, first leading digits of a run, its region (empty where none is known)."""
    for code, (width, _) in RANGES.items():
        prefixes, last = described(code), "?"
        for number in range(10**width):
            digits = f"{number:0{width}d}"
            found = region(prefixes, digits) or ""
            if found != last:
                yield code, digits, found
                last = found


if __name__ == "__main__":
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("code,from,region\n" + "".join(f"{','.join(row)}\n" for row in rows()), encoding="ascii")
