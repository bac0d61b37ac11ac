"""A vendor's own SDK reads a streamed answer: understand.py FORMAT ROOT prints what it understood as JSON."""

import json
import sys

TOOL = {
    "name": "events_list",
    "description": "Events of a namespace",
    "parameters": {"type": "object", "properties": {"namespace": {"type": "string"}}},
}
ASK = [{"role": "user", "content": "why?"}]


def openai_chat(root):
    from openai import OpenAI

    client = OpenAI(base_url=root + "/v1", api_key="k", max_retries=0)
    reasoning = ""
    tools = [{"type": "function", "function": TOOL}]
    with client.chat.completions.stream(model="m", messages=ASK, tools=tools) as stream:
        for event in stream:
            if event.type == "chunk":
                for choice in event.chunk.choices:
                    reasoning += getattr(choice.delta, "reasoning_content", None) or ""
        final = stream.get_final_completion()
    message = final.choices[0].message
    calls = [(c.id, c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls or []]
    usage = final.usage
    return reasoning, message.content, calls, final.choices[0].finish_reason, usage.prompt_tokens, usage.completion_tokens


def openai_responses(root):
    from openai import OpenAI

    client = OpenAI(base_url=root + "/v1", api_key="k", max_retries=0)
    streamed = ""
    with client.responses.stream(model="m", input=ASK, tools=[{"type": "function", "strict": False, **TOOL}]) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                streamed += event.delta
        final = stream.get_final_response()
    reasoning = "".join(s.text for item in final.output if item.type == "reasoning" for s in item.summary)
    calls = [(i.call_id, i.name, json.loads(i.arguments)) for i in final.output if i.type == "function_call"]
    assert streamed == final.output_text
    return reasoning, final.output_text, calls, final.status, final.usage.input_tokens, final.usage.output_tokens


def anthropic(root):
    from anthropic import Anthropic

    client = Anthropic(base_url=root, api_key="k", max_retries=0)
    tool = {"name": TOOL["name"], "description": TOOL["description"], "input_schema": TOOL["parameters"]}
    with client.messages.stream(model="m", max_tokens=100, messages=ASK, tools=[tool]) as stream:
        for _ in stream:
            pass
        final = stream.get_final_message()
    reasoning = "".join(b.thinking for b in final.content if b.type == "thinking")
    text = "".join(b.text for b in final.content if b.type == "text")
    calls = [(b.id, b.name, b.input) for b in final.content if b.type == "tool_use"]
    usage = final.usage
    return reasoning, text, calls, final.stop_reason, usage.input_tokens + usage.cache_read_input_tokens, usage.output_tokens


def gemini(root):
    from google import genai
    from google.genai import types

    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=root))
    declared = types.FunctionDeclaration(
        name=TOOL["name"], description=TOOL["description"], parameters_json_schema=TOOL["parameters"]
    )
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[declared])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    reasoning = text = ""
    calls = []
    for chunk in client.models.generate_content_stream(model="m", contents="why?", config=config):
        for part in chunk.candidates[0].content.parts or []:
            if part.function_call:
                calls.append((part.function_call.id, part.function_call.name, part.function_call.args))
            elif part.thought:
                reasoning += part.text
            else:
                text += part.text or ""
    usage = chunk.usage_metadata
    reason = chunk.candidates[0].finish_reason.value
    return reasoning, text, calls, reason, usage.prompt_token_count, usage.candidates_token_count


def ollama(root):
    from ollama import Client

    reasoning = text = ""
    calls = []
    tools = [{"type": "function", "function": TOOL}]
    for part in Client(host=root).chat(model="m", messages=ASK, tools=tools, stream=True):
        reasoning += part.message.thinking or ""
        text += part.message.content or ""
        calls += [(None, c.function.name, dict(c.function.arguments)) for c in part.message.tool_calls or []]
    return reasoning, text, calls, part.done_reason, part.prompt_eval_count, part.eval_count


form, root = sys.argv[1:]
read = {f.__name__: f for f in (openai_chat, openai_responses, anthropic, gemini, ollama)}[form]
reasoning, text, calls, stop, used, made = read(root)
calls = [{"id": id, "name": name, "arguments": arguments} for id, name, arguments in calls]
print(json.dumps({"reasoning": reasoning, "text": text or "", "calls": calls, "stop": stop, "input": used, "output": made}))
