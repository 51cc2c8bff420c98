"""Names of counties by their codes (county_names.csv).

Codes after GB/T 2260 as the Ministry of Civil Affairs keeps them up to date in its list of codes of administrative
divisions at and above county level (mca.gov.cn): the thirteen of Fuzhou, 长乐 as the district that it has been since 2017
(350112, before that 350182). English pages have their names in Hanyu Pinyin, as ISO 7098 spells them, without the word for
district, county or city. Another county is shown by its code until a line is added.
"""

import csv
from functools import cache
from importlib.resources import files
from typing import Literal


@cache
def county_names(language: Literal["zh", "en"] = "zh") -> dict[str, str]:
    """Code to name."""
    text = files("server").joinpath("county_names.csv").read_text(encoding="utf-8")
    column = "name" if language == "zh" else "name_en"
    return {row["code"]: row[column] for row in csv.DictReader(text.splitlines())}


def county_name(code: str, language: Literal["zh", "en"] = "zh") -> str:
    """A county's name; the code itself where we have none."""
    return county_names(language).get(code, code)
