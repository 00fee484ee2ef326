"""Names of people who do not exist, and of the departments and offices they work in.

The order matters: what a seed makes depends on it, and the jobs in `jobs/` name some of these people.
"""

from __future__ import annotations

from typing import Final

FIRST: Final = (
    "Ada", "Amélie", "Anders", "Anjali", "Ayşe", "Björn", "Bruno", "Camila", "Carlos", "Chloé", "Clara",
    "Dagmar", "David", "Dmitri", "Elena", "Émile", "Emma", "Fatima", "Felix", "Françoise", "Giulia",
    "Grace", "Hannah", "Helga", "Hiro", "Ines", "Ingrid", "Ivan", "Jakob", "João", "José", "Jürgen",
    "Karin", "Lars", "Léa", "Lena", "Linh", "Lucía", "Łukasz", "Malik", "Marek", "María", "Mateo", "Maya",
    "Mehmet", "Mia", "Miguel", "Nadia", "Niamh", "Noah", "Olga", "Oliver", "Omar", "Paula", "Priya", "Rosa",
    "Ruth", "Samuel", "Sara", "Søren", "Sven", "Tara", "Tomáš", "Uma", "Viktor", "Wanda", "Yara", "Yusuf",
    "Zofia", "Zoë",
)  # fmt: skip
LAST: Final = (
    "Abbott", "Åkesson", "Almeida", "Andersson", "Bauer", "Becker", "Bianchi", "Brown", "Castro", "Chen",
    "Cohen", "Çelik", "Davies", "Dubois", "Dvořák", "Eriksen", "Evans", "Ferrari", "Fischer", "Fleißner",
    "Gallagher", "García", "Gomes", "Groß", "Gupta", "Haddad", "Hansen", "Hernández", "Hoffmann", "Horváth",
    "Ito", "Ivanova", "Jackson", "Jensen", "Kaya", "Kim", "Kovač", "Kowalska", "Krüger", "Larsen",
    "Lefèvre", "Lindqvist", "López", "Lovelace", "Marino", "Martin", "Mbeki", "Meyer", "Mitchell", "Müller",
    "Murphy", "Nakamura", "Nguyen", "Nielsen", "Novak", "Núñez", "Okafor", "Olsen", "Ortiz", "Papadopoulos",
    "Patel", "Pérez", "Petrov", "Quinn", "Rasmussen", "Ricci", "Romero", "Roux", "Ruiz", "Saito", "Schäfer",
    "Schmidt", "Silva", "Singh", "Smith", "Sørensen", "Suzuki", "Szabó", "Tanaka", "Taylor", "Thompson",
    "Ümit", "Vasquez", "Virtanen", "Wagner", "Weiß", "Wójcik", "Yamada", "Yılmaz", "Young", "Zielińska",
    "Zimmermann",
)  # fmt: skip
OTHER_SCRIPTS: Final = (
    ("山田太郎", "Taro", "Yamada"), ("王小明", "Xiaoming", "Wang"), ("Анна Иванова", "Anna", "Ivanova"),
    ("Γιώργος Παππάς", "Giorgos", "Pappas"), ("محمد علي", "Mohamed", "Ali"), ("김민준", "Minjun", "Kim"),
)  # fmt: skip
DEPARTMENTS: Final = (
    "Sales", "Marketing", "Finance", "Human Resources", "Legal", "Engineering", "Research",
    "Customer Service", "Procurement", "Logistics", "IT", "Qualitätssicherung",
)  # fmt: skip
OFFICES: Final = (
    ("Lisbon 2/114", "Lisboa", "Portugal"), ("Zürich 4/012", "Zürich", "Switzerland"),
    ("Dublin 1/230", "Dublin", "Ireland"), ("Kraków 3/007", "Kraków", "Poland"),
    ("Seattle 18/3301", "Seattle", "United States"), ("Pune 6/045", "Pune", "India"),
)  # fmt: skip
TITLES: Final = (
    "Specialist",
    "Manager",
    "Analyst",
    "Consultant",
    "Assistant",
    "Director",
    "Engineer",
    "Trainee",
)
