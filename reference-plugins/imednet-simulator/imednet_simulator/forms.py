"""The demo study's forms: key, name, flags, and a line for each question.

A line reads `NAME KIND [+mark ...] [=shown] | Label`: the marks are optional, blinded and
disabled, and `=shown` is how records spell the name where they do it differently.
"""

FormText = tuple[str, str, str, str]

FORM_TEXTS: tuple[FormText, ...] = (
    (
        "REG",
        "Registration",
        "enforceOwnership userAgreement",
        """
        RFICDAT DATE +optional | Date informed consent was signed
        PROTVER DROPDOWN +optional | Protocol version consented to
        RFICTIM TIME +optional | Time informed consent was signed
        REGNOTE MEMO +optional | Registration remarks
        """,
    ),
    (
        "DM",
        "Demographics",
        "",
        """
        BRTHDAT DATE | Date of birth
        AGE INTEGER | Age at consent (years)
        SEX RADIO | Sex at birth
        RACE DROPDOWN | Race
        ETHNIC RADIO | Ethnicity
        SMOKER RADIO | Ever smoked
        ARM TEXT +blinded | Treatment arm
        OLDID TEXT +disabled | Identifier in the preceding study
        """,
    ),
    (
        "SV",
        "Visit Date",
        "",
        """
        SVSTDAT DATE | Date of visit
        SVTYPE RADIO | Type of contact
        SVNOTE MEMO +optional | Remarks
        """,
    ),
    (
        "VS",
        "Vitals",
        "unscheduledVisit",
        """
        VSDAT DATE | Date of assessment
        VSTIM TIME +optional | Time of assessment
        SYSBP INTEGER | Systolic blood pressure (mmHg)
        DIABP INTEGER | Diastolic blood pressure (mmHg)
        PULSE INTEGER | Pulse (beats/min)
        TEMP FLOAT | Temperature (C)
        RESP INTEGER | Respiratory rate (breaths/min)
        WEIGHT FLOAT | Weight (kg)
        HEIGHT FLOAT +optional | Height (cm)
        """,
    ),
    (
        "LB",
        "Labs: Chemistry",
        "unscheduledVisit allowCopy",
        """
        LBDTM DATETIME | Date and time of sample
        LBFAST RADIO | Fasting
        ALT FLOAT | Alanine aminotransferase (U/L)
        AST FLOAT | Aspartate aminotransferase (U/L)
        CREAT FLOAT | Creatinine (umol/L)
        GLUC FLOAT | Glucose (mmol/L)
        POTAS FLOAT | Potassium (mmol/L)
        LBCLSIG RADIO +optional | Clinically significant
        """,
    ),
    (
        "HE",
        "Labs: Haematology",
        "unscheduledVisit allowCopy",
        """
        HEDTM DATETIME | Date and time of sample
        HGB FLOAT | Haemoglobin (g/L)
        WBC FLOAT | White blood cells (10^9/L)
        EOSIN FLOAT | Eosinophils (10^9/L)
        PLAT INTEGER | Platelets (10^9/L)
        HECLSIG RADIO +optional | Clinically significant
        """,
    ),
    (
        "SP",
        "Spirometry",
        "unscheduledVisit",
        """
        SPDAT DATE | Date of spirometry
        FEV1 FLOAT | Forced expiratory volume, 1 s (L)
        FVC FLOAT | Forced vital capacity (L)
        PEF INTEGER | Peak expiratory flow (L/min)
        SPQUAL DROPDOWN | Quality grade
        """,
    ),
    (
        "QS",
        "Symptom Questionnaire",
        "eproForm",
        """
        QSDAT DATE | Date of questionnaire
        QSNIGHT RADIO | Woken by symptoms (0-6)
        QSMORN RADIO | Symptoms on waking (0-6)
        QSLIMIT RADIO | Limited in activities (0-6)
        QSBREATH RADIO | Short of breath (0-6)
        QSRESCUE RADIO | Rescue puffs a day (0-6)
        QSTOTAL FLOAT | Mean score
        """,
    ),
    (
        "EX",
        "Dosing",
        "",
        """
        EXSTDAT DATE | First dose of the period
        EXDOSE INTEGER | Doses taken
        EXPLAN INTEGER | Doses planned
        EXKIT TEXT +blinded | Kit number dispensed
        EXADJ RADIO +optional | Dose adjusted
        """,
    ),
    (
        "PE",
        "Physical Examination",
        "unscheduledVisit",
        """
        PEDAT DATE | Date of examination
        PEGEN RADIO | General appearance
        PELUNG RADIO | Lungs
        PEHEART RADIO | Heart
        PEFIND MEMO +optional | Findings
        """,
    ),
    (
        "DA",
        "Inhaler Accountability",
        "",
        """
        DADAT DATE | Date inhaler was read out
        DASERIAL TEXT | Serial number of inhaler
        DACOUNT INTEGER | Counter
        DASYNC RADIO | Sensor data received
        """,
    ),
    (
        "AE",
        "Adverse Event",
        "unscheduledVisit otherForms embeddedLog",
        """
        AETERM TEXT =aeterm | Adverse event term
        AESTDAT DATE | Start date
        AEENDAT DATE +optional | End date
        AESEV DROPDOWN | Severity
        AESER RADIO | Serious
        AEREL RADIO | Related to study treatment
        AEOUT DROPDOWN | Outcome
        AEACN CHECKBOX +optional | Action taken
        AEDESC MEMO +optional | Narrative
        """,
    ),
    (
        "CM",
        "Concomitant Medications",
        "unscheduledVisit otherForms embeddedLog",
        """
        CMTRT TEXT | Medication
        CMINDC TEXT +optional | Indication
        CMDOSE FLOAT +optional | Dose
        CMDOSU DROPDOWN +optional | Unit
        CMSTDAT DATE | Start date
        CMENDAT DATE +optional | End date
        """,
    ),
    (
        "DV",
        "Protocol Deviation",
        "unscheduledVisit otherForms",
        """
        DVDAT DATE | Date of deviation
        DVCAT DROPDOWN | Category
        DVTERM TEXT | Description
        DVSEV RADIO | Importance
        DVACT MEMO +optional | Corrective action
        """,
    ),
    (
        "DD",
        "Device Deficiency",
        "unscheduledVisit otherForms",
        """
        DDDTM DATETIME | Date and time noticed
        DDCAT DROPDOWN | Kind of deficiency
        DDSERIAL TEXT | Serial number of inhaler
        DDSADE RADIO | Could have led to a serious event
        DDDESC MEMO +optional | Description
        """,
    ),
    (
        "EOS",
        "End of Study",
        "subjectRecordReport",
        """
        DSDAT DATE | Date of completion or withdrawal
        DSREAS DROPDOWN | Reason
        DSNOTE TEXT +optional | Specify
        """,
    ),
    (
        "PK",
        "Pharmacokinetics (dropped by amendment 2)",
        "disabled",
        """
        PKDTM DATETIME | Date and time of sample
        PKTUBE TEXT | Tube number
        """,
    ),
    (
        "MON",
        "Site Monitoring Visit",
        "site",
        """
        MONDAT DATE | Date of monitoring visit
        MONTYPE DROPDOWN | Type of monitoring visit
        MONFIND INTEGER | Findings
        MONNOTE MEMO +optional | Remarks
        """,
    ),
)
