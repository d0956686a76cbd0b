"""Every question and choice of cookiecutter.json is explained."""

from harness.project import CHOICES, CONTEXT, QUESTIONS, ROOT

README = (ROOT / "README.md").read_text("utf-8")
PROMPTS = CONTEXT["__prompts__"]


def test_every_question_and_every_choice_has_a_prompt() -> None:
    """Cookiecutter shows the prompts where it asks."""
    assert PROMPTS.keys() == QUESTIONS.keys()
    for option, choices in CHOICES.items():
        assert PROMPTS[option].keys() == {"__prompt__", *choices}


def test_the_readme_names_every_question_and_every_choice() -> None:
    """In the font of code."""
    assert not [question for question in QUESTIONS if f"`{question}`" not in README]
    for choices in CHOICES.values():
        assert not [choice for choice in choices if f"`{choice}`" not in README]


def test_every_text_is_escaped_by_the_same_rule() -> None:
    """One rule for Markdown and one for TOML."""
    for markup in ("md", "toml"):
        rules = {
            CONTEXT[f"__{question}_{markup}"].replace(question, "QUESTION")
            for question in ("service_name", "description", "owner")
        }
        assert len(rules) == 1
