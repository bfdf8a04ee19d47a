"""What every group of settings has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class SettingsGroup(BaseModel):
    """A section: frozen, and no name in it is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: Any) -> Any:  # noqa: ANN401 - pydantic checks it afterwards
        # TOML has no null: `threads = ""` says "unset" there.
        if not isinstance(values, dict):
            return values
        optional = {name for name, field in cls.model_fields.items() if field.default is None}
        return {k: v for k, v in values.items() if not (k in optional and v == "")}
