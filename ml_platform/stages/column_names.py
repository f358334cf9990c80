"""Column names: the usual names of columns that hold personal data, in snake case, by what they claim to hold."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_PEOPLE = "customer client patient member user person employee subject participant policyholder student".split()

_TRAITS = {
    "sex": "sex gender",
    "family": "marital marital_status marriage relationship civil_status",
    "schooling": "education education_level educ",
    "work": "occupation job job_title profession employer workclass",
    "origin": "nationality native_country country_of_birth birth_country birthplace citizenship",
}
_SPECIAL = {
    "ethnic origin": "race ethnicity ethnic_group ethnic_origin skin_colour skin_color caste",
    "belief": """
        religion religious_affiliation political_party political_opinion political_affiliation union_member trade_union
        trade_union_member""",
    "health": """
        diagnosis disease disability disabled health_status medical_condition hiv_status pregnant pregnancy medication
        icd icd_code blood_type blood_group""",
    "sexuality": "sexual_orientation sexuality gender_identity",
    "crime": "criminal_record conviction convictions felony",
}
_OTHERS = {
    "part of a name": """
        first_name firstname forename given_name last_name lastname surname family_name maiden_name middle_name
        full_name fullname vorname nachname prenom apellido apellidos""",
    "name": "name names nom nombre",
    "e-mail address": "email e_mail mail email_address e_mail_address",
    "telephone number": """
        phone telephone mobile fax cell phone_number telephone_number mobile_number cell_phone fax_number mobile_phone
        phone_no tel msisdn""",
    "postal address": "address street street_address addr address_line residence",
    "bank account": "iban bank_account bank_account_number account_number",
    "payment card": "credit_card creditcard card_number credit_card_number debit_card cc_number",
    "national id": """
        ssn social_security social_security_number national_id passport passport_number tax_id driver_license
        drivers_license driving_licence nino personnummer cpf dni bsn pesel aadhaar cpr codice_fiscale medicare_number
        identity_number id_card""",
    "IP address": "ip ip_address",
    "user name": "username user_name login screen_name twitter_handle",
    "number plate": "license_plate licence_plate number_plate vin",
    "date of birth": """
        dob birth_date date_of_birth birthdate birthday birth_day geburtsdatum date_naissance birth_year year_of_birth
        yob""",
    "postal code": "zip zipcode zip_code postcode post_code postal_code plz code_postal",
    "latitude": "lat latitude gps_lat gps_latitude",
    "longitude": "lon lng long longitude gps_lon gps_longitude",
    "number of a person": " ".join(f"{who}{what}" for who in _PEOPLE for what in ("", "_id", "_no", "_number", "_key")),
    "age": "age age_years",
    "income": "income salary wage wages annual_income monthly_income household_income",
}

TRAITS = tuple(_TRAITS)
SPECIAL = tuple(_SPECIAL)
COLUMN_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {kind: tuple(names.split()) for kind, names in (_OTHERS | _TRAITS | _SPECIAL).items()}
)
