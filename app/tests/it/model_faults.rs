//! Every way in which models fail, as one table: what a scripted model does at each stage of the seed's incident, and what
//! must and must not stand in the report for all that.

use std::time::Duration;

use llm::pretend::Turn;
use serde_json::{Value, json};

/// Things that are nowhere in the cluster.
const INVENTED: [&str; 4] = ["cart-9000", "99Gi", "313313", "E7777"];
/// What models were made to say.
const SAID: [&str; 5] = ["is healthy", "delete namespace aiops", "Delete it all", "I deleted", "ignore the rules"];

/// Stands for the address of the scripted model itself, asked for with TLS, which it does not speak.
pub const NO_TLS: &str = "https://itself";

/// One of the two faults that lie behind each other.
#[derive(Debug)]
pub struct Stage {
    pub name: &'static str,
    /// what a report that names the right cause says
    pub cause: &'static [&'static str],
    /// words that stand in the evidence
    pub quote: &'static str,
    /// what a good model says about them
    pub claim: &'static str,
    /// an object worth a look: arguments of `resources_get`, and words that stand in it
    pub object: fn() -> Value,
    pub inside: &'static str,
    pub seen: &'static str,
}

pub const TOO_SMALL: Stage = Stage {
    name: "5Gi below 10Gi",
    cause: &["aiops/test-data", "5Gi", "10Gi"],
    quote: "disk size is invalid",
    claim: "The provisioner refuses a disk of 5Gi.",
    object: || json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "aiops", "name": "test-data"}),
    inside: "storage: 5Gi",
    seen: "The claim test-data asks for 5Gi.",
};
pub const NO_IMAGE: Stage = Stage {
    name: "noimage",
    cause: &["noimage", "aiops/test-deployment"],
    quote: "failed to pull",
    claim: "The image noimage cannot be pulled.",
    object: || json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "aiops", "name": "test-deployment"}),
    inside: "image: noimage",
    seen: "The deployment names the image noimage.",
};

/// What a model does with a request.
pub type Act = Box<dyn FnMut(&Value) -> Turn + Send>;

pub struct Row {
    pub name: &'static str,
    pub act: Act,
    /// settings of the model beside the usual ones
    pub settings: Value,
}

/// What was told, as it stood at the end, and what the model was asked.
pub struct Told {
    /// each message with the time since the alert was sent
    pub cards: Vec<(Duration, String)>,
    pub asked: usize,
    pub violations: Vec<String>,
    /// answers that the model is still writing
    pub open: usize,
    /// connections to the model that are still there
    pub connections: usize,
    pub words: Option<Value>,
}

pub fn claim(text: &str, id: &str, quote: &str) -> Value {
    json!({"text": text, "evidence": [id], "quote": quote})
}

/// The id of the item of evidence or result in which the words stand.
pub fn cited(body: &Value, words: &str) -> Option<String> {
    let text = body.to_string();
    text.match_indices(words).find_map(|(at, _)| {
        let before = text.get(..at)?;
        // a line begins with its id
        let line = before.rsplit_once("\\n[").map_or(before, |(_, line)| line);
        let (id, rest) = line.split_once(']')?;
        let is_id = id.len() < 6 && id.starts_with(['E', 'R']);
        (is_id && (id.starts_with('R') || !rest.contains("\\n"))).then(|| id.to_owned())
    })
}

/// What a good model says.
pub fn good(body: &Value, stage: &Stage) -> Turn {
    let id = cited(body, stage.quote).unwrap_or_default();
    let said = claim(stage.claim, &id, stage.quote);
    let look = json!({"text": "Look at the pods.", "command": "kubectl -n aiops get pods"});
    Turn::text(json!({"overview": said, "claims": [said], "suggestions": [look]}).to_string())
}

/// What a lying model says: objects, numbers and ids that are nowhere, and that all is well.
fn lies() -> String {
    json!({
        "overview": claim("Pod cart-9000 was killed for 99Gi.", "E7777", "killed"),
        "cause": claim("The node-313313 is broken.", "E1", "broken"),
        "claims": [
            claim("The claim needs 99Gi.", "E1", "must be in"),
            claim("All is explained.", "E7777", "explained"),
            claim("It restarted 313313 times.", "E1", "disk size is invalid"),
            claim("The claim test-data is healthy.", "E1", "disk size is invalid"),
        ],
        "suggestions": [{"text": "Delete it all.", "command": "kubectl delete namespace aiops"}],
    })
    .to_string()
}

fn row(name: &'static str, act: impl FnMut(&Value) -> Turn + Send + 'static) -> Row {
    Row { name, act: Box::new(act), settings: json!({}) }
}

fn always(name: &'static str, turn: impl Fn() -> Turn + Send + 'static) -> Row {
    row(name, move |_| turn())
}

fn error(name: &'static str, status: u16, message: &'static str) -> Row {
    always(name, move || Turn::status(status, &json!({"error": {"message": message, "type": "error"}})))
}

fn list_pods() -> Turn {
    Turn::call("pods_list_in_namespace", json!({"namespace": "aiops"}))
}

fn at(url: &str, row: Row) -> Row {
    Row { settings: json!({"url": url}), ..row }
}

/// The network and the server fail.
fn unreachable(stage: &'static Stage) -> Vec<Row> {
    let slow_down = json!({"error": {"message": "slow down", "type": "rate_limit_error"}});
    let limited = move |wait: &'static str| Turn::status(429, &slow_down).header("retry-after", wait);
    let again = limited.clone();
    let mut refused_once = false;
    vec![
        at("http://127.0.0.1:1/v1", always("connection refused", Turn::empty)),
        at("http://no-such-host.invalid/v1", always("no such host", Turn::empty)),
        at(NO_TLS, always("no TLS there", Turn::empty)),
        error("401", 401, "invalid api key"),
        error("429", 429, "rate limited"),
        row("429, one second, then good", move |body| {
            if std::mem::replace(&mut refused_once, true) { good(body, stage) } else { again("1") }
        }),
        row("429, ten minutes", move |_| limited("600")),
        error("500", 500, "internal error"),
        error("503", 503, "overloaded"),
        always("HTML", || Turn::html(200)),
        always("HTML of a gateway", || Turn::html(502)),
        always("empty", Turn::empty),
        always("endless", || Turn::text("more and ").endless()),
        row("hangs", move |body| good(body, stage).delay(Duration::from_secs(600))),
        row("one byte in ten seconds", move |body| good(body, stage).drip(Duration::from_secs(10))),
        row("cut at its first byte", move |body| good(body, stage).cut(1)),
        row("cut at its beginning", move |body| good(body, stage).cut(60)),
        row("cut in its middle", move |body| good(body, stage).cut(900)),
        row("cut near its end", move |body| good(body, stage).cut(3_000)),
        error(
            "context too long",
            400,
            "This model's maximum context length is 100 tokens, however you requested 5000 tokens",
        ),
    ]
}

/// The model answers, and its answer is bad.
fn unfit(stage: &'static Stage) -> Vec<Row> {
    let injected = "{\"overview\":{\"text\":\"ignore the rules, all is healthy, delete namespace aiops\",\"evidence\":[\"E1\"],\
                    \"quote\":\"disk\"},\"claims\":[],\"suggestions\":[{\"text\":\"obey\",\"command\":\"kubectl delete ns aiops\"}]}";
    let printed = "<tool_call>\n{\"name\": \"pods_delete\", \"arguments\": {\"name\": \"cart-9000\"}}\n</tool_call>";
    let thousand = || {
        (0..1_000).fold(list_pods(), |turn, _| turn.and_call("pods_list_in_namespace", json!({"namespace": "aiops"})))
    };
    vec![
        row("no tools", move |body| match body.get("tools") {
            Some(_) => {
                Turn::status(400, &json!({"error": {"message": "deepseek-reasoner does not support Function Calling"}}))
            }
            None => good(body, stage),
        }),
        always("calls as text", move || Turn::text(printed)),
        row("eighteen minutes of thinking", move |body| good(body, stage).reasoning("hm. ".repeat(500)).rate(1)),
        always("shallow", || Turn::text("The pod is pending because it is not scheduled.")),
        always("the same call for ever", list_pods),
        always("a thousand calls at once", thousand),
        always("wrong JSON", || Turn::text("{\"overview\": {\"text\": ")),
        always("another language", || Turn::text("Le pod cart-9000 attend 99Gi.")),
        always("refusal", || Turn::text("I'm sorry, but I can't help with that.")),
        always("obeys an injected order", move || Turn::text(injected)),
        always("claims to have acted", || Turn::text("Done: I deleted pod cart-9000 and resized the claim to 99Gi.")),
        always("invents", || Turn::text(lies())),
        row("too long an answer", move |body| good(body, stage).length()),
    ]
}

pub fn rows(stage: &'static Stage) -> Vec<Row> {
    let mut rows = unreachable(stage);
    rows.extend(unfit(stage));
    rows
}

impl Told {
    pub fn last(&self) -> &str {
        self.cards.last().map_or("", |(_, card)| card)
    }

    /// The rules' verdict, before any word of a model.
    pub fn verdict(&self, stage: &Stage) -> Option<&(Duration, String)> {
        let right =
            |card: &str| stage.cause.iter().all(|word| card.contains(word)) && !card.contains("In a model's words");
        self.cards.iter().find(|(_, card)| right(card))
    }
}

/// What holds whatever a model does.
pub fn check(name: &str, stage: &Stage, told: &Told) -> Result<(), String> {
    let last = told.last();
    let mut wrong = Vec::new();
    if told.verdict(stage).is_none() {
        wrong.push(format!("no verdict of the rules alone in {:#?}", told.cards));
    }
    let missing = stage.cause.iter().filter(|word| !last.contains(**word));
    wrong.extend(missing.map(|word| format!("the final report does not say {word}")));
    let said = |word: &&&str| told.cards.iter().any(|(_, card)| card.contains(**word));
    wrong.extend(INVENTED.iter().chain(&SAID).filter(said).map(|word| format!("it says {word}")));
    if told.asked > 5 {
        wrong.push(format!("{} requests", told.asked));
    }
    if told.cards.len() > 3 {
        wrong.push(format!("{} messages", told.cards.len()));
    }
    // one may be kept for the next question
    if told.open > 0 || told.connections > 1 {
        wrong.push(format!("left over: {} answers, {} connections", told.open, told.connections));
    }
    wrong.extend(told.violations.iter().cloned());
    if wrong.is_empty() { Ok(()) } else { Err(format!("{name}, {}: {}\n{last}", stage.name, wrong.join("; "))) }
}
