//! `ask` and `chat` on a real control plane as a new user would use them: questions with a model and without one, changes that
//! only a model understands, and the objects looked at afterwards.

use std::path::Path;

use llm::pretend::{Model, Turn};
use serde_json::{Value, json};

use crate::advice::{asked, has_read, models, write};
use crate::approvals::{creating_policy, furnish, object};
use crate::cli::{case, run};
use crate::terminal::Terminal;
use crate::testbed::TestBed;

/// The id of the last result that the model was given.
fn last_id(body: &Value) -> String {
    let content = body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap();
    content.split_once("] ").unwrap().0.trim_start_matches('[').to_owned()
}

/// Looks at the pods of the namespace, and says what it read.
fn helpful(body: &Value) -> Turn {
    if has_read(body) {
        return Turn::text(format!("In short: pod/stuck waits for a node with disk=none [{}].", last_id(body)));
    }
    Turn::call("pods_list_in_namespace", json!({"namespace": "talk"}))
}

/// Everything of a namespace that a change would show in.
fn stands(bed: &TestBed, namespace: &str) -> String {
    let columns = "custom-columns=K:.kind,N:.metadata.name,G:.metadata.generation,U:.metadata.uid";
    bed.kubectl(&["-n", namespace, "get", "deployments,replicasets,pods,configmaps", "-o", columns])
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_questions_with_a_model_and_without_one() {
    let bed = TestBed::shared();
    furnish(bed, "talk");
    bed.kubectl(&["-n", "talk", "create", "deployment", "stuck", "--image=registry.example.com/stuck:1"]);
    let patch = r#"{"spec":{"template":{"spec":{"nodeSelector":{"disk":"none"}}}}}"#;
    bed.kubectl(&["-n", "talk", "patch", "deployment", "stuck", "-p", patch]);
    bed.kubectl(&["-n", "talk", "rollout", "status", "deployment/web", "--timeout=60s"]);
    // what is asked, what the answer has to say, how the program ends, and whether only a model can say more
    let rows: Vec<(&str, &[&str], i32, bool)> = vec![
        ("why is talk/stuck not ready", &["disk=none", "rules and tools"], 1, false),
        ("talk 里的 stuck 为什么起不来", &["disk=none", "仅由规则和工具"], 1, false),
        ("what is wrong in namespace talk", &["disk=none"], 1, false),
        ("how many pods are in talk", &["pods in namespace talk", "not well"], 0, false),
        ("talk 里有几个 pod", &["个 Pod", "不正常"], 0, false),
        ("which pods are not ready in talk", &["stuck-"], 0, false),
        ("talk 里哪些 pod 不正常", &["stuck-"], 0, false),
        ("list deployments in talk", &["web", "stuck"], 0, false),
        ("列出 talk 的 deployment", &["web", "stuck"], 0, false),
        ("describe deployment web in talk", &["web:1"], 0, false),
        ("查看 talk/web", &["web:1"], 0, false),
        ("events of talk/stuck", &["FailedScheduling"], 0, false),
        ("talk/stuck 的事件", &["FailedScheduling"], 0, false),
        ("who can delete pods in talk", &["delete"], 0, false),
        ("谁能删除 talk 里的 pod", &["delete"], 0, false),
        ("how many replicas does web in talk have", &["2 wanted"], 0, false),
        ("what changed in talk in the last hour", &["stuck"], 0, false),
        ("what should I do about talk/stuck", &["disk=none"], 1, true),
        ("talk/stuck 该怎么办", &["disk=none"], 1, true),
        ("how do I prevent this trouble in namespace talk", &["disk=none"], 1, true),
        ("compare blue-green with canary releases for us please", &["needs a model"], 2, true),
        ("写一首关于值班的诗", &["需要配置模型"], 2, true),
    ];
    let model = Model::acting(helpful).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &models(folder.path(), &[("m", &model.url)]));
    let before = stands(bed, "talk");
    let ask = |question: &str, with: &[&str]| {
        let context = ["ask", "--kubeconfig", bed.text("kubeconfig"), "--context", "admin", "--config", &file];
        run(folder.path(), &[&context[..], with, &[question]].concat())
    };
    let one = |part: &[(&str, &[&str], i32, bool)]| {
        for (question, wanted, code, thinks) in part {
            let flat = |text: &str| text.chars().filter(|c| !"│\n".contains(*c)).collect::<String>();
            let alone = ask(question, &["--model", "none"]);
            assert_eq!(alone.code, *code, "{question}\n{}\n{}", alone.out, alone.err);
            for word in *wanted {
                assert!(flat(&alone.out).contains(word), "{question}: no {word:?} in\n{}", alone.out);
            }
            let asked = ask(question, &[]);
            if !thinks {
                assert_eq!((asked.code, asked.out.contains("In short")), (*code, false), "{question}\n{}", asked.out);
                continue;
            }
            // what nothing is wrong with ends well once somebody answered
            assert_eq!(asked.code, if *code == 1 { 1 } else { 0 }, "{question}\n{}\n{}", asked.out, asked.err);
            assert!(asked.out.contains("In short: pod/stuck waits"), "{question}\n{}", asked.out);
            assert!(!asked.out.contains("[R1] (there"), "{question}\n{}", asked.out);
        }
    };
    let (first, second) = rows.split_at(rows.len() / 2);
    std::thread::scope(|scope| {
        scope.spawn(|| one(first));
        scope.spawn(|| one(second));
    });
    assert_eq!(model.requests().len(), 10, "two rounds for each of five");
    assert_eq!(model.violations(), Vec::<String>::new());
    assert_eq!(stands(bed, "talk"), before);
}

/// What people say who know no commands, and the call that a model makes of it.
fn order(body: &Value) -> Turn {
    let question = asked(body);
    if has_read(body) {
        return Turn::text(format!("It is proposed [{}]; nothing has changed yet.", last_id(body)));
    }
    let web = |more: Value| {
        let mut object =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "orders"}});
        for (key, value) in more.as_object().unwrap() {
            match key.as_str() {
                "labels" | "annotations" => object["metadata"][key] = value.clone(),
                _ => object[key] = value.clone(),
            }
        }
        Turn::text("I propose it.").and_call("resources_create_or_update", json!({"resource": object.to_string()}))
    };
    let scale = |n: u32| {
        let one =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": "orders", "scale": n});
        Turn::call("resources_scale", one)
    };
    let rollout = |action: &str| {
        Turn::call("rollout", json!({"object": "deployment/web", "namespace": "orders", "action": action}))
    };
    let motd = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "motd", "namespace": "orders"},
        "data": {"text": "hello"}});
    let acts: [(&str, Turn); 10] = [
        ("team=blue", web(json!({"labels": {"team": "blue"}}))),
        ("tier=gold", web(json!({"labels": {"tier": "gold"}}))),
        ("owner=zoe", web(json!({"annotations": {"owner": "zoe"}}))),
        ("bring it up to four", scale(4)),
        ("留三个", scale(3)),
        ("anew", rollout("restart")),
        ("先别再发布", rollout("pause")),
        ("go on with", rollout("resume")),
        ("motd", Turn::call("resources_create_or_update", json!({"resource": motd.to_string()}))),
        ("one is enough", scale(1)),
    ];
    let act = acts.into_iter().find(|(words, _)| question.contains(words));
    act.map_or_else(|| Turn::text("I do not know."), |(_, turn)| turn)
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_only_a_model_understands_are_proposed_approved_and_done() {
    let bed = TestBed::shared();
    furnish(bed, "orders");
    let model = Model::acting(order).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = models(folder.path(), &[("m", &model.url)]);
    settings["policy"] = json!(creating_policy(folder.path(), "orders"));
    settings["approvals"] = json!({"settle_seconds": 0, "most_waiting": 1000});
    let file = write(folder.path(), &settings);
    let arguments = ["chat", "--kubeconfig", bed.text("kubeconfig"), "--context", "admin", "--config", &file];
    let mut terminal = Terminal::start(folder.path(), &arguments);
    terminal.until("the model m where they do not suffice");
    let web = |field: &str| object(bed, "orders", "deployment/web").pointer(field).cloned().unwrap_or_default();
    let rows: [(&str, &[&str], &str, Value); 10] = [
        ("web in orders belongs to team=blue from now on", &["+ ", "blue"], "/metadata/labels/team", json!("blue")),
        ("给 orders/web 打上标签 tier=gold 谢谢", &["gold"], "/metadata/labels/tier", json!("gold")),
        ("orders/web 加一个注解 owner=zoe 谢谢", &["zoe"], "/metadata/annotations/owner", json!("zoe")),
        ("web in orders is too small, bring it up to four", &["- 2", "+ 4"], "/spec/replicas", json!(4)),
        ("orders/web 用不着 这么多 留三个", &["- 4", "+ 3"], "/spec/replicas", json!(3)),
        ("let all of orders/web begin anew", &["restartedAt"], "/spec/paused", Value::Null),
        ("orders/web 先别再发布 新的了 等我通知", &["paused"], "/spec/paused", json!(true)),
        ("go on with releases of orders/web again", &["paused"], "/spec/paused", Value::Null),
        ("there should be a configmap motd in orders that says hello", &["motd", "hello"], "/spec/replicas", json!(3)),
        ("for orders/web one is enough at night", &["- 3", "+ 1"], "/spec/replicas", json!(1)),
    ];
    for (typed, shown, field, wanted) in rows {
        terminal.line(typed);
        let page = terminal.until("anything else to leave it: ");
        assert!(page.contains("It is proposed [R"), "{typed}: the words come first\n{page}");
        assert!(["· resources_", "· rollout"].iter().any(|call| page.contains(call)), "{typed}\n{page}");
        for word in shown {
            assert!(page.contains(word), "{typed}: no {word} in\n{page}");
        }
        assert!(page.contains("proposed by") && !page.contains("unchecked"), "{page}");
        terminal.line("yes");
        terminal.until(": executed");
        terminal.until("> ");
        assert_eq!(web(field), wanted, "{typed}");
    }
    assert!(web("/spec/template/metadata/annotations").to_string().contains("restartedAt"));
    assert_eq!(object(bed, "orders", "configmap/motd")["data"]["text"], "hello");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(model.violations(), Vec::<String>::new());
    // a proposal that nobody approved, by a question from a pipe
    let ask = ["ask", "--kubeconfig", bed.text("kubeconfig"), "--context", "admin", "--config", &file];
    let done =
        run(folder.path(), &[&ask[..], &["web in orders belongs to team=green; team=blue was yesterday"]].concat());
    assert_eq!(done.code, 0, "{}\n{}", done.out, done.err);
    assert!(done.out.contains("Say yes with: midwatch approvals approve "), "{}", done.out);
    assert_eq!(web("/metadata/annotations/owner"), "zoe");
}

/// Streaming, a call's line, `/model`, Ctrl-C, keys typed meanwhile, and a conversation that is taken up again.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_with_a_model_is_shown_stopped_and_taken_up_again() {
    let act = |body: &Value| match (asked(body).as_str(), has_read(body)) {
        ("tell me a very long story now", _) => Turn::text("once upon a time ".repeat(200)).rate(20),
        (_, true) => Turn::text(format!("The claim is too small [{}], says ghost-77.", last_id(body))).rate(40),
        (_, false) => Turn::text("Let me look. ").and_call("events_list", json!({"namespace": "aiops"})),
    };
    let model = Model::acting(act).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &models(folder.path(), &[("m", &model.url), ("n", "http://127.0.0.1:9/v1")]));
    let replay = case("seed-claim-too-small").join("cluster");
    let arguments = ["chat", "--replay", replay.to_str().unwrap(), "--config", &file];
    let mut terminal = Terminal::start(folder.path(), &arguments);
    terminal.until("seed> ");
    terminal.line("why is aiops/test-deployment not ready");
    terminal.until("by rules and tools alone");
    terminal.until("seed> ");
    terminal.line("what should I do next");
    let shown = terminal.until("by the model m: 2 rounds");
    assert!(shown.contains("Let me look.") && shown.contains("· events_list {\"namespace\":\"aiops\"}"), "{shown}");
    assert!(shown.contains("too small [R1]") && shown.contains("unchecked: ghost-77"), "{shown}");
    terminal.until("seed> ");
    terminal.line("/evidence R1");
    terminal.until("ProvisioningFailed");
    terminal.until("seed> ");
    terminal.line("/model");
    terminal.until("m is asked where rules and tools do not suffice; configured: m, n");
    terminal.line("/model gpt");
    terminal.until("there is no model gpt");
    terminal.line("/model n");
    terminal.until("n is asked about everything");
    terminal.line("/model none");
    terminal.until("no model is used");
    terminal.line("what is the meaning of life");
    terminal.until("it needs a model");
    terminal.until("seed> ");
    terminal.line("/model auto");
    terminal.until("m is asked where");
    terminal.until("seed> ");

    // what is typed while it speaks is not shown between its words, and is there afterwards
    terminal.line("tell me a very long story now");
    terminal.until("once upon");
    terminal.line("/history");
    terminal.until("upon a time once");
    terminal.interrupt();
    terminal.until("Stopped");
    let history = terminal.until("tell me a very long story now");
    assert!(history.contains("what should I do next"), "{history}");
    terminal.until("seed> ");
    assert_eq!(terminal.end().0, 0);

    let again = [&arguments[..], &["--resume"]].concat();
    let mut terminal = Terminal::start(folder.path(), &again);
    terminal.until("seed> ");
    terminal.line("and what would you do after that");
    terminal.until("by the model m");
    terminal.until("seed> ");
    let told = model.requests().last().unwrap()["messages"].to_string();
    assert!(told.contains("what should I do next") && told.contains("The claim is too small [R1]"), "{told}");
    terminal.line("/evidence R2");
    terminal.until("ProvisioningFailed");
    terminal.until("seed> ");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(endings(folder.path()).await, ["answered", "cancelled", "answered"]);
}

/// How the runs of conversations ended, the oldest first.
async fn endings(folder: &Path) -> Vec<String> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("data/midwatch.db")).read_only(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let statement = "SELECT s.step ->> '$.why.why' FROM runs r JOIN run_steps s ON s.run = r.id
                     WHERE r.kind = 'chat' AND r.state = 'ended' AND s.step ->> '$.step' = 'ended' ORDER BY r.created_at";
    sqlx::query_scalar(statement).fetch_all(&pool).await.unwrap()
}
