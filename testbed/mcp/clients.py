"""The official Python SDK: lists all tools and makes the calls that stand on standard input; one line of JSON a transport."""

import asyncio
import json
import sys

import httpx2
from mcp import ClientSession, MCPError, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

GIVEN = json.load(sys.stdin)


def transport(kind, target):
    if kind == "stdio":
        return stdio_client(StdioServerParameters(**target))
    if kind == "sse":
        return sse_client(target, headers=GIVEN["headers"])
    return streamable_http_client(target, http_client=httpx2.AsyncClient(headers=GIVEN["headers"], timeout=60))


async def check(name, streams):
    answers, made = [], ""
    async with streams as pair, ClientSession(pair[0], pair[1]) as session:
        await session.initialize()
        tools = (await session.list_tools()).tools
        for call in GIVEN["calls"]:
            arguments = json.loads(json.dumps(call["arguments"]).replace("{proposal}", made))
            try:
                answer = await session.call_tool(call["tool"], arguments)
                text = answer.content[0].text if answer.content else ""
                answers.append({**call, "text": text, "isError": answer.is_error})
                if text.startswith("approval needed: "):
                    made = text.split()[2].rstrip(",")
            except MCPError as error:
                answers.append({**call, "protocol": str(error)})
    listed = [tool.model_dump(by_alias=True, mode="json") for tool in tools]
    print(json.dumps({"name": name, "tools": listed, "answers": answers}), flush=True)


async def main():
    for kind, target in GIVEN["transports"].items():
        await check(f"Python SDK over {kind if kind == 'stdio' else kind.upper()}", transport(kind, target))


asyncio.run(main())
