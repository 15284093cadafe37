"""The guard of pairs: a number against a truth is only given where there is a truth."""

from preprocessing.cohort import Case, Cohort


class UnpairedError(ValueError):
    """A full-reference metric was asked for a case that has no verified partner."""


def source_of(prediction: Case, cohort: Cohort) -> Case | None:
    """Return the case that was translated: of the same name, of another domain; None if there is none.

    Args:
        prediction: a case of the predictions.
        cohort: the cohort that was translated.
    """
    named = _named(prediction, cohort)
    return named if named is not None and named.domain != prediction.domain else None


def reference_of(prediction: Case, cohort: Cohort) -> Case:
    """Return the truth of a prediction: the case of its name and domain, else that case's verified partner.

    Args:
        prediction: a case of the predictions.
        cohort: the cohort with the truth.

    Raises:
        UnpairedError: there is no case of that name, or it has no partner of the prediction's domain.
    """
    named = _named(prediction, cohort)
    if named is None:
        raise UnpairedError(_message(prediction, f"{cohort.table.name} has no case {prediction.case!r}"))
    if named.domain == prediction.domain:
        return named
    partner = cohort.partner(named)
    if partner is None:
        raise UnpairedError(_message(prediction, f"{cohort.table.name} names no pair of it"))
    if partner.domain != prediction.domain:
        raise UnpairedError(
            _message(prediction, f"its pair {partner.case!r} is of domain {partner.domain!r}")
        )
    return partner


def _named(prediction: Case, cohort: Cohort) -> Case | None:
    return next((case for case in cohort if case.case == prediction.case), None)


def _message(prediction: Case, found: str) -> str:
    return (
        f"unpaired: case {prediction.case}: expected a true {prediction.domain!r} volume for a "
        f"full-reference metric, but {found}; register one and name it in column 'pair', or "
        "read the mutual information"
    )
