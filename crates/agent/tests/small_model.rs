//! A real model of 135 million parameters behind a real server: it proves the plumbing, not wisdom. `make small-model` starts it.
#![expect(clippy::unwrap_used, reason = "a helper of a test ends the test")]

use std::sync::Mutex;
use std::time::Duration;

use agent::{
    Budget, CallResult, Calling, Effect, Hands, Limit, NoHands, NoRecord, Outcome, Policy, Step, Task, WhyEnded,
};
use llm::{Event, Message, Models, Request, Tool};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(240);
/// More tokens than the model writes before a test has what it wants.
const LONG: u32 = 2_000;

fn url() -> String {
    let named = std::env::var("SMALL_MODEL_URL");
    named.unwrap_or_else(|_| panic!("SMALL_MODEL_URL names no server: testbed/small-model/run starts one"))
}

/// The model; `learnt` is a step that an earlier refusal would have taught.
fn models(learnt: Option<&str>) -> Models {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let settings = json!([{"name": "small", "url": url(), "model": "smollm2", "deadline_s": 240}]);
    let folder = tempfile::tempdir().unwrap();
    let file = learnt.map(|step| {
        let file = folder.path().join("models.json");
        let at = jiff::Timestamp::now().to_string();
        let table = json!({format!("{} smollm2", url()): [{"step": {"step": step}, "at": at}]});
        std::fs::write(&file, table.to_string()).unwrap();
        file
    });
    Models::new(&serde_json::from_value(settings).unwrap(), file).unwrap()
}

fn user(content: impl Into<String>) -> Message {
    Message::User { content: content.into() }
}

fn request(content: impl Into<String>, max_tokens: u32) -> Request {
    Request { messages: vec![user(content)], max_tokens: Some(max_tokens), ..Request::default() }
}

fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

/// `pods_list` and `events_list`, which read.
#[derive(Default)]
struct Tools {
    made: Mutex<Vec<String>>,
}

impl Hands for Tools {
    fn tools(&self) -> Vec<Tool> {
        let parameters = json!({"type": "object", "required": ["namespace"], "additionalProperties": false,
            "properties": {"namespace": {"type": "string", "enum": ["shop", "pay"]}}});
        let tool = |name: &str, description: &str| Tool {
            name: name.to_owned(),
            description: description.to_owned(),
            parameters: parameters.clone(),
        };
        vec![tool("events_list", "Events of a namespace"), tool("pods_list", "Pods of a namespace")]
    }

    fn effect(&self, name: &str) -> Option<Effect> {
        matches!(name, "events_list" | "pods_list").then_some(Effect::Read)
    }

    fn call<'a>(&'a self, name: &'a str, _: &'a Map<String, Value>) -> Calling<'a> {
        self.made.lock().unwrap().push(name.to_owned());
        Box::pin(async { CallResult::text("cart-0 is Pending: no disk below 10Gi") })
    }
}

fn task(id: &str, max_tokens: u32) -> Task {
    Task {
        id: id.to_owned(),
        messages: vec![
            Message::System { content: "You look into a cluster. Use the tools.".to_owned() },
            user("List the pods of the namespace shop."),
        ],
        schema: None,
        wrap_up: "Sum up in one sentence.".to_owned(),
        closing: "No model finished; this was read:".to_owned(),
        policy: Policy::ReadOnly,
        thinking: llm::Thinking::Default,
        max_tokens: Some(max_tokens),
        cancel: Default::default(),
    }
}

async fn run(models: &Models, hands: &dyn Hands, task: Task, budget: Budget) -> Outcome {
    let outcome = agent::run(models, hands, task, budget, &NoRecord, Vec::new(), &mut |_| {}).await;
    assert!(!outcome.text.trim().is_empty(), "a run ends with an answer");
    outcome
}

fn budget(rounds: u32, time: Duration) -> Budget {
    Budget { rounds, time, ..Budget::default() }
}

#[tokio::test]
#[ignore = "needs the small model: make small-model"]
async fn an_answer_streams_token_by_token() {
    let (mut pieces, mut whole) = (0, String::new());
    let mut on = |event| {
        if let Event::Text { text } = event {
            pieces += 1;
            whole.push_str(&text);
        }
    };
    let answer = models(None).ask(&request("Count from one to twenty.", 60), deadline(), &mut on).await.unwrap();
    assert!(pieces >= 5, "{pieces} pieces: {whole}");
    assert_eq!(answer.reply.content.trim(), whole.trim());
    assert!(answer.first_token.unwrap() < answer.took && answer.reply.usage.output > 0, "{answer:?}");
    assert_eq!(answer.requests, 1);
}

/// Whether the server still writes for somebody.
async fn busy() -> bool {
    let root = url().trim_end_matches("/v1").to_owned();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
    let slots: Value = client.get(format!("{root}/slots")).send().await.unwrap().json().await.unwrap();
    slots.as_array().unwrap().iter().any(|slot| slot["is_processing"] == true)
}

#[tokio::test]
#[ignore = "needs the small model: make small-model"]
async fn a_cancelled_question_stops_the_server() {
    let models = models(None);
    let (came, mut coming) = tokio::sync::mpsc::unbounded_channel();
    let mut on = move |event| drop(came.send(event));
    let question = request("Tell a very long story about the sea.", LONG);
    {
        let asked = models.ask(&question, deadline(), &mut on);
        tokio::pin!(asked);
        let mut pieces = 0;
        while pieces < 20 {
            tokio::select! {
                answer = &mut asked => panic!("it ended by itself: {answer:?}"),
                Some(event) = coming.recv() => pieces += usize::from(matches!(event, Event::Text { .. })),
            }
        }
        assert!(busy().await);
    }
    let began = Instant::now();
    while busy().await {
        assert!(began.elapsed() < Duration::from_secs(30), "it writes on for nobody");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
#[ignore = "needs the small model: make small-model"]
async fn a_conversation_that_is_too_long_is_cut_and_answered() {
    let mut messages = vec![user("Why is shop/cart not ready?")];
    for n in 0..6 {
        let id = format!("call_{n}");
        let arguments = Map::from_iter([("namespace".to_owned(), json!("shop"))]);
        let call = llm::ToolCall { id: id.clone(), name: "events_list".to_owned(), arguments, extra: None };
        messages.push(Message::Assistant { content: String::new(), reasoning: String::new(), calls: vec![call] });
        let content = format!("event {n}: the claim data is pending because the disk is too small. ").repeat(60);
        messages.push(Message::Tool { id, name: "events_list".to_owned(), content });
    }
    messages.push(user("Answer in one short sentence."));
    // in text mode, for this server puts nothing of native calls into the prompt
    let request = Request { messages, tools: Tools::default().tools(), max_tokens: Some(40), ..Request::default() };
    assert!(llm::tokens::of_request(&request) > 5_000);
    let answer = models(Some("text_tools")).ask(&request, deadline(), &mut |_| {}).await.unwrap();
    assert!(!answer.reply.content.trim().is_empty() || !answer.reply.calls.is_empty(), "{answer:?}");
    assert!(answer.requests >= 2 && answer.steps.iter().any(|step| step.contains("4096")), "{answer:?}");
    assert!(answer.reply.usage.input < 4_096, "{:?}", answer.reply.usage);
}

#[tokio::test]
#[ignore = "needs the small model: make small-model"]
async fn a_schema_is_kept() {
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["namespace", "ready"],
        "properties": {"namespace": {"type": "string", "enum": ["shop", "pay"]}, "ready": {"type": "boolean"}}});
    let question = Request { schema: Some(schema), ..request("Is the shop ready? Answer as JSON.", 200) };
    let answer = models(None).ask(&question, deadline(), &mut |_| {}).await.unwrap();
    let said: Value = serde_json::from_str(&answer.reply.content).unwrap();
    assert!(["shop", "pay"].contains(&said["namespace"].as_str().unwrap()) && said["ready"].is_boolean(), "{said}");
}

#[tokio::test]
#[ignore = "needs the small model: make small-model"]
async fn calls_by_a_schema_are_made_and_the_run_ends() {
    let tools = Tools::default();
    let outcome = run(&models(Some("schema_tools")), &tools, task("schema", 200), budget(3, PATIENCE)).await;
    let offered = tools.tools();
    for step in &outcome.steps {
        if let Step::Calling { call, .. } = step {
            assert!(offered.iter().any(|tool| tool.name == call.name), "{call:?}");
        }
    }
    // the grammar lets it say nothing but a call or an answer; this one, asked for a list, calls
    assert!(!tools.made.lock().unwrap().is_empty(), "{:#?}", outcome.steps);
}

#[tokio::test]
#[ignore = "needs the small model: make small-model"]
async fn without_tools_it_ends_with_what_it_said() {
    // sent natively: the server drops them in silence, and the model never hears of them
    let native = run(&models(None), &Tools::default(), task("native", 120), budget(2, PATIENCE)).await;
    // described in the prompt: what it prints is text, or calls of tools that exist
    let tools = Tools::default();
    let text = run(&models(Some("text_tools")), &tools, task("text", 200), budget(2, PATIENCE)).await;
    for outcome in [&native, &text] {
        for marker in ["<tool_call>", "</tool_call>", "<|im_"] {
            assert!(!outcome.text.contains(marker), "{marker} is shown: {}", outcome.text);
        }
    }
    let known = ["events_list", "pods_list"];
    assert!(tools.made.lock().unwrap().iter().all(|name| known.contains(&name.as_str())));
}

#[tokio::test]
#[ignore = "needs the small model: make small-model"]
async fn a_run_ends_in_its_time() {
    let mut task = task("late", LONG);
    task.messages = vec![user("Tell a very long story about the sea.")];
    let outcome = run(&models(None), &NoHands, task, budget(8, Duration::from_secs(4))).await;
    assert_eq!(outcome.why_ended, WhyEnded::Budget { limit: Limit::Time }, "{}", outcome.text);
    let began = Instant::now();
    while busy().await {
        assert!(began.elapsed() < Duration::from_secs(30), "it writes on for nobody");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
#[ignore = "needs the small model: make small-model"]
async fn two_runs_at_once_do_not_mix() {
    let models = models(None);
    let one = |word: &str| {
        let mut task = task(word, 60);
        task.messages = vec![user(format!("Write the word {word} ten times."))];
        task
    };
    let (first, second) = (one("apple"), one("river"));
    let (first, second) = tokio::join!(
        run(&models, &NoHands, first, budget(2, PATIENCE)),
        run(&models, &NoHands, second, budget(2, PATIENCE)),
    );
    let (first, second) = (first.text.to_lowercase(), second.text.to_lowercase());
    assert!(first.contains("apple") && !first.contains("river"), "{first}");
    assert!(second.contains("river") && !second.contains("apple"), "{second}");
}
