"""Errors (RFC 9457)."""

from pydantic import BaseModel, Field


class ProblemField(BaseModel):
    """What is wrong with one parameter."""

    parameter: str = Field(examples=["limit"])
    message: str = Field(examples=["Input should be less than or equal to 500"])


class Problem(BaseModel):
    """An error (RFC 9457); `errors` for bad input only."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["1 parameter can't be used"])
    errors: list[ProblemField] | None = None
