"""Column names: the usual names of columns that hold personal data, in snake case, by what they claim to hold."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_PEOPLE = "customer client patient member user person employee subject participant policyholder student".split()
_KUNDEN = "kunde kunden patienten mitarbeiter personen versicherten mitglieds benutzer".split()
_NUMBERS = "nr id nummer".split()

_TRAITS = {
    "sex": "sex gender geschlecht anrede sexe sexo genere",
    "family": "marital marital_status marriage relationship civil_status familienstand zivilstand",
    "schooling": "education education_level educ schulabschluss bildungsabschluss",
    "work": "occupation job job_title profession employer workclass beruf arbeitgeber",
    "origin": """
        nationality native_country country_of_birth birth_country birthplace citizenship nationalität nationalitaet
        staatsangehörigkeit staatsangehoerigkeit geburtsland geburtsort""",
}
_SPECIAL = {
    "ethnic origin": "race ethnicity ethnic_group ethnic_origin skin_colour skin_color caste ethnie",
    "belief": """
        religion religious_affiliation political_party political_opinion political_affiliation union_member trade_union
        trade_union_member konfession religionszugehörigkeit religionszugehoerigkeit glaube gewerkschaft""",
    "health": """
        diagnosis disease disability disabled health_status medical_condition hiv_status pregnant pregnancy medication
        icd icd_code blood_type blood_group diagnose krankheit behinderung blutgruppe""",
    "sexuality": "sexual_orientation sexuality gender_identity",
    "crime": "criminal_record conviction convictions felony",
}
_OTHERS = {
    "part of a name": """
        first_name firstname forename given_name last_name lastname surname family_name maiden_name middle_name
        full_name fullname vorname nachname zuname familienname rufname geburtsname mädchenname maedchenname prenom
        prénom apellido apellidos cognome""",
    "name": """
        name names nom nombre nome vollständiger_name vollstaendiger_name kundenname patientenname mitarbeitername
        personenname mitgliedsname ansprechpartner""",
    "e-mail address": "email e_mail mail email_address e_mail_address",
    "telephone number": """
        phone telephone mobile fax cell phone_number telephone_number mobile_number cell_phone fax_number mobile_phone
        phone_no tel msisdn telefon telefonnummer telefonnr telefon_nr handy handynummer handynr mobilnummer rufnummer
        téléphone telefono teléfono""",
    "postal address": """
        address street street_address addr address_line residence adresse anschrift strasse straße wohnadresse
        dirección indirizzo""",
    "bank account": "iban bank_account bank_account_number account_number kontonummer kontonr konto_nr",
    "payment card": "credit_card creditcard card_number credit_card_number debit_card cc_number",
    "national id": """
        ssn social_security social_security_number national_id passport passport_number tax_id driver_license
        drivers_license driving_licence nino personnummer cpf dni bsn pesel aadhaar cpr codice_fiscale medicare_number
        identity_number id_card steuerid steuer_id steuernummer steuer_nr steueridnr sozialversicherungsnummer sv_nummer
        ausweisnummer personalausweis personalausweisnummer reisepass reisepassnummer""",
    "IP address": "ip ip_address",
    "user name": "username user_name login screen_name twitter_handle",
    "number plate": "license_plate licence_plate number_plate vin",
    "date of birth": """
        dob birth_date date_of_birth birthdate birthday birth_day geburtsdatum date_naissance birth_year year_of_birth
        yob geb_dat gebdat gebdatum geb_datum geburtstag geburtsjahr geburts_datum geboren_am date_de_naissance
        fecha_nacimiento fecha_de_nacimiento data_di_nascita data_nascita geboortedatum""",
    "postal code": "zip zipcode zip_code postcode post_code postal_code plz postleitzahl code_postal",
    "latitude": "lat latitude gps_lat gps_latitude",
    "longitude": "lon lng long longitude gps_lon gps_longitude",
    "number of a person": " ".join(
        [f"{who}{what}" for who in _PEOPLE for what in ("", "_id", "_no", "_nr", "_number", "_key")]
        + [f"{who}{what}" for who in _KUNDEN for number in _NUMBERS for what in (number, f"_{number}")]
        + ["kunde", "mitarbeiter"]
    ),
    "age": "age age_years lebensalter",
    "income": """
        income salary wage wages annual_income monthly_income household_income einkommen gehalt lohn jahreseinkommen
        monatseinkommen haushaltseinkommen""",
}

TRAITS = tuple(_TRAITS)
SPECIAL = tuple(_SPECIAL)
COLUMN_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {kind: tuple(names.split()) for kind, names in (_OTHERS | _TRAITS | _SPECIAL).items()}
)
