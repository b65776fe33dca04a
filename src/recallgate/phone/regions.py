"""Place descriptions of the number geocoder to ISO 3166-2 codes, for the countries whose rules differ by region."""

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


def has_regions(country: str) -> bool:
    """True where a number's region is worth the geocoder's half second of loading."""
    return country in _NAMES


def region_of(country: str, description: str) -> str | None:
    """The ISO 3166-2 code for "City, Province", "City, ST" or "State"; None for a country, several regions or a bare city."""
    last = description.rpartition(", ")[2]
    code = _NAMES[country].get(last, last)
    return f"{country}-{code}" if code in _CODES[country] else None
