"""The four interfaces: how each asks, and how each is answered."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.agents.plans import Plan, as_json, said_by_user

Body = Mapping[str, Any]
Limit = tuple[int, Sequence[tuple[str, str]], Body]
USAGE = {"input_tokens": 100, "output_tokens": 10}


class Form:
    """One interface."""

    ending = ""
    has_tools = True
    """Whether conversations offer tools, and only side requests do not."""

    def matches(self, path: str) -> bool:
        return path.split("?")[0].endswith(self.ending)

    def is_stream(self, path: str, body: Body) -> bool:
        return bool(body.get("stream"))

    def users(self, body: Body) -> list[str]:
        return [
            text for one in body.get("messages", ()) if one["role"] == "user" for text in said_by_user(one["content"])
        ]

    def tools(self, body: Body) -> list[str]:
        raise NotImplementedError

    def is_after_tool(self, body: Body) -> bool:
        raise NotImplementedError

    def events(self, plan: Plan) -> Iterator[tuple[str, Any]]:
        raise NotImplementedError

    def whole(self, plan: Plan) -> Body:
        raise NotImplementedError

    def limit(self, resets_at: int) -> Limit:
        raise NotImplementedError


class Anthropic(Form):
    """`/v1/messages`."""

    ending = "/messages"

    def tools(self, body: Body) -> list[str]:
        return [str(one.get("name")) for one in body.get("tools") or ()]

    def is_after_tool(self, body: Body) -> bool:
        last = body["messages"][-1]["content"]
        return isinstance(last, list) and bool(last) and last[-1].get("type") == "tool_result"

    def events(self, plan: Plan) -> Iterator[tuple[str, Any]]:
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "mock", "content": []}
        started = {**message, "stop_reason": None, "usage": USAGE}
        yield "message_start", {"type": "message_start", "message": started}
        yield from self._block(
            0, {"type": "text", "text": ""}, [{"type": "text_delta", "text": p} for p in plan.pieces]
        )
        if plan.tool:
            block = {"type": "tool_use", "id": "toolu_1", "name": plan.tool, "input": {}}
            yield from self._block(1, block, [{"type": "input_json_delta", "partial_json": as_json(plan.arguments)}])
        reason = "tool_use" if plan.tool else "end_turn"
        yield "message_delta", {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": USAGE}
        yield "message_stop", {"type": "message_stop"}

    def whole(self, plan: Plan) -> Body:
        content = [{"type": "text", "text": plan.text}]
        about = {"id": "msg_1", "type": "message", "role": "assistant", "model": "mock", "stop_reason": "end_turn"}
        return {**about, "content": content, "usage": USAGE}

    def limit(self, resets_at: int) -> Limit:
        name = "anthropic-ratelimit-unified"
        words = {"status": "rejected", "reset": resets_at, "representative-claim": "five_hour", "5h-status": "rejected"}
        words |= {"5h-reset": resets_at, "5h-utilization": "1.0", "overage-status": "rejected"}
        headers = [(f"{name}-{key}", str(value)) for key, value in words.items()]
        error = {"type": "rate_limit_error", "message": "This request would exceed your account's rate limit."}
        return 429, [*headers, ("x-should-retry", "false")], {"type": "error", "error": error}

    def _block(self, index: int, block: Body, deltas: Sequence[Body]) -> Iterator[tuple[str, Any]]:
        yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": block}
        for delta in deltas:
            yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", "index": index}


class Chat(Form):
    """`/v1/chat/completions`."""

    ending = "/chat/completions"
    has_tools = False  # aider offers none

    def tools(self, body: Body) -> list[str]:
        return [str(one["function"]["name"]) for one in body.get("tools") or ()]

    def is_after_tool(self, body: Body) -> bool:
        return bool(body["messages"][-1]["role"] == "tool")

    def events(self, plan: Plan) -> Iterator[tuple[str, Any]]:
        for piece in plan.pieces:
            yield "", self._chunk({"role": "assistant", "content": piece})
        if plan.tool:
            called = {"name": plan.tool, "arguments": as_json(plan.arguments)}
            yield (
                "",
                self._chunk({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": called}]}),
            )
        yield "", self._chunk({}, "tool_calls" if plan.tool else "stop")
        yield "", {**self._chunk({}), "choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}
        yield "", "[DONE]"

    def whole(self, plan: Plan) -> Body:
        choice = {"index": 0, "message": {"role": "assistant", "content": plan.text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        return {"id": "c1", "object": "chat.completion", "model": "mock", "choices": [choice], "usage": usage}

    def limit(self, resets_at: int) -> Limit:
        error = {"type": "usage_limit_reached", "message": "The usage limit has been reached", "resets_at": resets_at}
        return 429, (), {"error": {**error, "plan_type": "plus"}}

    def _chunk(self, delta: Body, reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return {"id": "c1", "object": "chat.completion.chunk", "model": "mock-model", "choices": [choice]}


class Responses(Chat):
    """`/v1/responses`."""

    ending = "/responses"
    has_tools = True

    def users(self, body: Body) -> list[str]:
        items = [one for one in body.get("input", ()) if one.get("role") == "user"]
        return [text for one in items for text in said_by_user(one["content"])]

    def tools(self, body: Body) -> list[str]:
        return [str(one.get("name")) for one in body.get("tools") or ()]

    def is_after_tool(self, body: Body) -> bool:
        return str(body["input"][-1].get("type", "")).endswith("_output")

    def events(self, plan: Plan) -> Iterator[tuple[str, Any]]:
        about = {"id": "resp_1", "object": "response", "model": "mock", "status": "in_progress", "output": []}
        yield "response.created", {"type": "response.created", "response": about}
        items = self._items(plan)
        for at, item in enumerate(items):
            empty = {**item, "content": []} if item["type"] == "message" else item
            yield "response.output_item.added", self._item("added", at, empty)
            for piece in plan.pieces if item["type"] == "message" else ():
                delta = {"output_index": at, "content_index": 0, "item_id": item["id"], "delta": piece}
                yield "response.output_text.delta", {"type": "response.output_text.delta", **delta}
            yield "response.output_item.done", self._item("done", at, item)
        usage = {**USAGE, "total_tokens": 110, "input_tokens_details": {"cached_tokens": 0}}
        usage |= {"output_tokens_details": {"reasoning_tokens": 0}}
        done = {**about, "status": "completed", "output": items, "usage": usage}
        yield "response.completed", {"type": "response.completed", "response": done}

    def _items(self, plan: Plan) -> list[dict[str, Any]]:
        content = [{"type": "output_text", "text": plan.text, "annotations": []}]
        items: list[dict[str, Any]] = [
            {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": content}
        ]
        if plan.tool:
            called = {"name": plan.tool, "arguments": as_json(plan.arguments), "call_id": "call_1"}
            items.append({"type": "function_call", "id": "f1", "status": "completed", **called})
        return items

    def _item(self, what: str, at: int, item: Body) -> Body:
        return {"type": f"response.output_item.{what}", "output_index": at, "item": item}


class Gemini(Form):
    """`/v1beta/models/MODEL:generateContent` and `:streamGenerateContent`."""

    def matches(self, path: str) -> bool:
        return "enerateContent" in path

    def is_stream(self, path: str, body: Body) -> bool:
        return "streamGenerateContent" in path

    def users(self, body: Body) -> list[str]:
        items = [one for one in body.get("contents", ()) if one.get("role") == "user"]
        return [text for one in items for text in said_by_user(one["parts"])]

    def tools(self, body: Body) -> list[str]:
        offered = [one for tool in body.get("tools") or () for one in tool.get("functionDeclarations", ())]
        return [str(one["name"]) for one in offered]

    def is_after_tool(self, body: Body) -> bool:
        return any("functionResponse" in part for part in body["contents"][-1]["parts"])

    def events(self, plan: Plan) -> Iterator[tuple[str, Any]]:
        for piece in plan.pieces:
            yield "", self._content([{"text": piece}])
        called = [{"functionCall": {"name": plan.tool, "args": plan.arguments}}] if plan.tool else [{"text": ""}]
        yield "", self._content(called, "STOP")

    def whole(self, plan: Plan) -> Body:
        return self._content([{"text": plan.text}], "STOP")

    def limit(self, resets_at: int) -> Limit:
        kind = "type.googleapis.com/google.rpc"
        quota = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "50"}
        details = [
            {"@type": f"{kind}.QuotaFailure", "violations": [quota]},
            {"@type": f"{kind}.RetryInfo", "retryDelay": "5400s"},
        ]
        error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota"}
        return 429, (), {"error": {**error, "details": details}}

    def _content(self, parts: Sequence[Body], reason: str | None = None) -> Body:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
        usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}
        return {"candidates": [candidate | ({"finishReason": reason} if reason else {})], "usageMetadata": usage}


FORMS: Sequence[Form] = (Anthropic(), Chat(), Responses(), Gemini())
