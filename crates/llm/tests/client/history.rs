//! Conversations that went through other models, or were cut: what goes out is in order whatever came in.

use llm::pretend::{Model as Server, Turn};
use llm::settings::Model;
use llm::{Message, Request, Tool};
use serde_json::{Value, json};

use super::{ask, call, conversation, models, several, text, tool, user};

async fn sent(request: &Request) -> Value {
    let server = Server::start(vec![Turn::text("done")]).await.unwrap();
    ask(&models(&server), request).await.unwrap();
    assert!(server.violations().is_empty(), "{:?}", server.violations());
    server.requests().remove(0)
}

fn roles(body: &Value) -> Vec<&str> {
    body["messages"].as_array().unwrap().iter().map(|one| one["role"].as_str().unwrap()).collect()
}

fn said(content: &str, calls: Vec<llm::ToolCall>) -> Message {
    Message::Assistant { content: content.to_owned(), reasoning: String::new(), calls }
}

fn result(id: &str, content: &str) -> Message {
    Message::Tool { id: id.to_owned(), name: "events_list".to_owned(), content: content.to_owned() }
}

#[tokio::test]
async fn calls_and_results_are_paired() {
    let messages = vec![
        result("orphan", "of a history that was cut"),
        user("why"),
        Message::System { content: "Be short.".to_owned() },
        said("", vec![call("a", "events_list"), call("b", "events_list")]),
        result("b", "second"),
        result("b", "again"),
        user("and?"),
        said("", vec![call("a", "events_list")]),
        result("a", ""),
        said("", Vec::new()),
        said("An answer.", Vec::new()),
    ];
    let body = sent(&Request { messages, tools: vec![tool("events_list")], ..Request::default() }).await;
    assert_eq!(
        roles(&body),
        ["system", "user", "assistant", "tool", "tool", "user", "assistant", "tool", "assistant", "user"]
    );
    let all = body["messages"].as_array().unwrap();
    assert!(text(&all[3]).contains("no result") && text(&all[4]) == "second");
    assert_ne!(all[7]["tool_call_id"], "a", "an id stands for one call");
    assert_eq!(all[2]["tool_calls"][0]["function"]["arguments"], "{}");
}

#[tokio::test]
async fn names_go_out_bent_and_come_back() {
    let server = Server::acting(|body| {
        let name = body["tools"][0]["function"]["name"].as_str().unwrap().to_owned();
        Turn::call(&name, json!({"namespace": "shop"}))
    })
    .await
    .unwrap();
    let request =
        Request { messages: vec![user("why")], tools: vec![tool("集群.events list")], ..Request::default() };
    let answer = ask(&models(&server), &request).await.unwrap();
    assert_eq!(answer.reply.calls[0].name, "集群.events list");
    let wire = server.requests()[0]["tools"][0]["function"]["name"].as_str().unwrap().to_owned();
    assert!(wire.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'), "{wire}");
}

#[tokio::test]
async fn schemas_go_out_whole_and_plain() {
    let parameters = json!({
        "$schema": "x",
        "title": "T",
        "properties": {"pod": {"$ref": "#/$defs/pod"}, "elsewhere": {"$ref": "http://evil/x.json"}},
        "required": ["pod", "missing"],
        "$defs": {"pod": {"type": ["string", "null"], "default": "x", "description": "name"}},
    });
    let tools = vec![
        Tool { name: "a".to_owned(), description: String::new(), parameters },
        Tool { name: "b".to_owned(), description: String::new(), parameters: Value::Null },
    ];
    let body = sent(&Request { messages: vec![user("why")], tools, ..Request::default() }).await;
    let plain = json!({
        "type": "object",
        "properties": {"pod": {"type": "string", "description": "name"}, "elsewhere": {}},
        "required": ["pod"],
    });
    assert_eq!(body["tools"][0]["function"]["parameters"], plain);
    assert_eq!(body["tools"][1]["function"]["parameters"], json!({"type": "object", "properties": {}}));
}

#[tokio::test]
async fn the_prefix_of_a_turn_is_that_of_the_turn_before() {
    let server = Server::start(vec![Turn::text("one"), Turn::text("two")]).await.unwrap();
    let list = models(&server);
    let mut request = conversation();
    ask(&list, &request).await.unwrap();
    request.messages.push(said("one", Vec::new()));
    request.messages.push(user("and?"));
    ask(&list, &request).await.unwrap();
    let sent = server.requests();
    assert_eq!(sent[0]["tools"], sent[1]["tools"]);
    let (before, after) = (sent[0]["messages"].as_array().unwrap(), sent[1]["messages"].as_array().unwrap());
    assert_eq!(before[..], after[..before.len()]);
}

#[tokio::test]
async fn reasoning_goes_back_on_tool_turns_alone() {
    let mut request = conversation();
    request.messages.push(Message::Assistant {
        content: "It is small.".to_owned(),
        reasoning: "Private.".to_owned(),
        calls: Vec::new(),
    });
    request.messages.push(user("and?"));
    let body = sent(&request).await;
    assert_eq!(body["messages"][2]["reasoning_content"], "I should read the events.");
    assert!(body["messages"][4].get("reasoning_content").is_none());
}

#[tokio::test]
async fn a_provider_is_known_by_its_address_and_model() {
    use llm::provider::{Ids, Keep, Quirks, Switch};
    let of = |url: &str, model: &str| Quirks::of(&Model::new("x", url, model));
    assert_eq!(of("https://api.mistral.ai/v1", "mistral-large").ids, Ids::Nine);
    assert_eq!(of("https://api.openai.com/v1", "gpt-5.4").thinking, Switch::Effort("none"));
    assert_eq!(of("https://dashscope.aliyuncs.com/compatible-mode/v1", "qwen3-32b").thinking, Switch::EnableThinking);
    assert_eq!(of("http://10.0.0.1:8000/v1", "Qwen/Qwen3-30B-A3B").thinking, Switch::NoThink);
    assert_eq!(of("https://api.deepseek.com", "deepseek-v4").reasoning, Keep::Always);
    assert_eq!(of("https://api.deepseek.com", "deepseek-v4").thinking, Switch::ThinkingType);
    assert_eq!(of("https://api.siliconflow.cn/v1", "deepseek-ai/DeepSeek-V3").output_limit, Some(4_096));
    let plain = several(vec![Model::new("x", "http://10.0.0.1:8000/v1", "llama")]);
    assert_eq!(plain.known().unwrap().0.thinking, Switch::Unsent);
}
