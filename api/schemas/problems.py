"""Errors (RFC 9457)."""

from pydantic import BaseModel, Field


class ProblemField(BaseModel):
    """What is wrong with one parameter."""

    parameter: str = Field(description="The parameter's name.", examples=["limit"])
    message: str = Field(description="What is wrong.", examples=["Input should be less than or equal to 500"])


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(description="Always `about:blank`: the status says it all.", examples=["about:blank"])
    title: str = Field(description="The status in words.", examples=["Unprocessable Content"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(
        description="What is wrong with this request.", examples=["limit: Input should be less than or equal to 500"]
    )
    errors: list[ProblemField] | None = Field(None, description="Each bad parameter, for bad input.")
