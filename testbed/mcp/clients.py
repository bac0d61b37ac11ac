"""The official Python SDK against a recorded cluster over stdio, HTTP and SSE: every tool is listed, every one is called."""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

ARGUMENTS = json.loads(os.environ["ARGUMENTS"])


async def check(name, transport):
    failed = 0
    async with transport as streams, ClientSession(streams[0], streams[1]) as session:
        await session.initialize()
        tools = (await session.list_tools()).tools
        answered = 0
        for tool in tools:
            answer = await session.call_tool(tool.name, ARGUMENTS.get(tool.name, {}))
            if not answer.content or not answer.content[0].text:
                print(f"{name}: {tool.name} answers nothing", file=sys.stderr)
                failed += 1
            answered += not answer.is_error
        if not tools or answered < 0.6 * len(tools):
            print(f"{name}: only {answered} of {len(tools)} tools have an answer", file=sys.stderr)
            failed += 1
        print(f"{name}: {len(tools)} tools listed and called, {answered} answered")
    return failed


async def main():
    command = StdioServerParameters(command=os.environ["MIDWATCH"], args=["mcp", "--replay", os.environ["RECORDED"]])
    url = os.environ["URL"]
    failed = await check("Python SDK over stdio", stdio_client(command))
    failed += await check("Python SDK over HTTP", streamable_http_client(f"{url}/mcp"))
    failed += await check("Python SDK over SSE", sse_client(f"{url}/sse"))
    sys.exit(1 if failed else 0)


asyncio.run(main())
