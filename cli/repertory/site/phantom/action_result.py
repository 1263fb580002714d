"""What an action found for one set of parameters."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from repertory_classic.app import messages

Plain = Dict[str, Any]


class ActionResult:
    """Failed until told otherwise. Names of private attributes are part of the interface: apps replace ``__data``."""

    def __init__(self, param: Optional[Plain] = None) -> None:
        if param is not None and not isinstance(param, dict):
            raise TypeError("the parameters of a result are a dictionary")
        self.__param: Plain = {} if param is None else param
        self.__status_code: Any = False
        self.__status_message = ""
        self.__data: List[Any] = []
        self.__data_size: Optional[int] = None
        self.__summary: Plain = {}
        self.__extra_data: List[Any] = []
        self.__debug_data: List[str] = []

    # ------------------------------------------------------------- status

    def set_status(
        self, status_code: Any, status_message: Any = "", exception: Any = None, *unnamed: Any, **named: Any
    ) -> Any:
        self.__status_code = bool(status_code)
        self.__status_message = messages.with_exception(messages.formatted(status_message, unnamed, named), exception)
        return status_code

    def get_status(self) -> bool:
        return bool(self.__status_code)

    def is_success(self) -> bool:
        return self.get_status()

    def is_fail(self) -> bool:
        return not self.get_status()

    def get_message(self) -> str:
        return self.__status_message

    def get_status_message(self) -> str:
        return self.__status_message

    def append_to_message(self, text: Any) -> None:
        self.__status_message = messages.appended(self.__status_message, text)

    def add_exception_details(self, exception: Any) -> bool:
        self.__status_message = messages.with_exception(self.__status_message, exception)
        return self.get_status()

    # ------------------------------------------------------------- data

    def add_data(self, item: Any) -> Any:
        self.__data.append(item)
        return item

    def update_data(self, items: Any) -> List[Any]:
        self.__data.extend(items)
        return self.__data

    def get_data(self) -> List[Any]:
        return self.__data

    def get_data_size(self) -> int:
        return len(self.__data) if self.__data_size is None else self.__data_size

    def set_data_size(self, size: int) -> None:
        self.__data_size = size

    def add_extra_data(self, item: Any) -> Any:
        self.__extra_data.append(item)
        return item

    def update_extra_data(self, items: Any) -> List[Any]:
        self.__extra_data.extend(items)
        return self.__extra_data

    def get_extra_data(self) -> List[Any]:
        return self.__extra_data

    def get_extra_data_size(self) -> int:
        return len(self.__extra_data)

    def add_debug_data(self, item: Any) -> None:
        try:
            self.__debug_data.append(str(item))
        except Exception as error:  # it is told for a log, and a log never fails
            self.__debug_data.append(f"(cannot be shown: {type(error).__name__})")

    def get_debug_data(self) -> List[str]:
        return self.__debug_data

    def get_debug_data_size(self) -> int:
        return len(self.__debug_data)

    # ------------------------------------------------------------- summary and parameters

    def set_summary(self, summary: Optional[Plain]) -> Plain:
        self.__summary = {} if summary is None else summary
        return self.__summary

    def update_summary(self, summary: Optional[Mapping[str, Any]]) -> Plain:
        self.__summary.update(summary or {})
        return self.__summary

    def get_summary(self) -> Plain:
        return self.__summary

    def set_param(self, param: Optional[Plain]) -> None:
        self.__param = {} if param is None else param

    def update_param(self, param: Optional[Mapping[str, Any]]) -> None:
        self.__param.update(param or {})

    def get_param(self) -> Plain:
        return self.__param

    # ------------------------------------------------------------- as plain data

    def get_dict(self) -> Plain:
        """As it stands in the result of an action."""
        message = self.__status_message
        if self.get_status() and not message:
            message = messages.composed(self.__summary)
        plain: Plain = {
            "status": "success" if self.get_status() else "failed",
            "message": message,
            "parameter": {name: value for name, value in self.__param.items() if name != "context"},
            "data": self.__data,
            "summary": self.__summary,
        }
        if "context" in self.__param:
            plain["context"] = self.__param["context"]
        if self.__extra_data:
            plain["extra_data"] = self.__extra_data
        if self.__data_size is not None:
            plain["data_size"] = self.__data_size
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ActionResult:
        """The way back, for those who show results."""
        param = dict(plain.get("parameter") or {})
        if plain.get("context"):
            param["context"] = plain["context"]
        made = cls(param)
        made.__status_code = plain.get("status") in ("success", True)
        made.__status_message = str(plain.get("message") or "")
        made.__data = list(plain.get("data") or ())
        made.__summary = dict(plain.get("summary") or {})
        made.__extra_data = list(plain.get("extra_data") or ())
        made.__data_size = plain.get("data_size")
        return made
