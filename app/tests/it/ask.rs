//! `midwatch ask` and `midwatch eval` as a new user types them: no model, no store, a recorded cluster.

use std::fs;

use serde_json::Value;

use crate::cli::{case, run};

/// The seed's incident, asked in many ways; the question, what the answer has to say, and how the program ends.
#[test]
fn ask_answers_by_rules_and_tools_alone() {
    let folder = tempfile::tempdir().unwrap();
    let replay = case("seed-claim-too-small").join("cluster");
    let replay = replay.to_str().unwrap();
    const POD: &str = "test-deployment-6db6fb878d-mgzzn";
    let rows: Vec<(String, &[&str], i32)> = vec![
        ("why is aiops/test-deployment not ready".into(), &["5Gi", "10Gi", "test-data", "E1", "rules and tools"], 1),
        (format!("why is pod {POD} pending?"), &["5Gi", "10Gi"], 1),
        ("what's wrong in namespace aiops".into(), &["5Gi", "10Gi"], 1),
        ("is everything ok in the cluster".into(), &["10Gi"], 1),
        ("aiops 命名空间里 test-deployment 为什么起不来".into(), &["5Gi", "10Gi", "仅由规则和工具"], 1),
        ("集群有什么问题".into(), &["10Gi"], 1),
        ("pvc test-data 怎么了".into(), &["5Gi", "10Gi"], 1),
        ("how many pods are in aiops".into(), &["1 pod in namespace aiops", POD], 0),
        ("aiops 里有多少个 pod".into(), &["有 1 个 Pod", "1 个不正常"], 0),
        ("which pods are not ready".into(), &[POD], 0),
        ("list pvc in aiops".into(), &["test-data", "Pending"], 0),
        ("列出所有命名空间".into(), &["aiops"], 0),
        ("events of pvc test-data".into(), &["ProvisioningFailed"], 0),
        ("aiops 最近的事件".into(), &["ProvisioningFailed", "FailedScheduling"], 0),
        ("describe deployment test-deployment".into(), &["test-deployment"], 0),
        ("how many replicas does test-deployment have".into(), &["1 wanted, 1 exist, 0 ready"], 0),
        ("help".into(), &["scale shop/cart to 5"], 0),
        ("why is aiops/test-deploymnt down".into(), &["Do you mean deployment aiops/test-deployment"], 2),
        ("why is the sky blue".into(), &["needs a model"], 2),
        ("scale aiops/test-deployment to 5".into(), &["Nothing can be changed here"], 2),
        ("把 aiops/test-deployment 扩到 5 个副本".into(), &["不能修改"], 2),
    ];
    for (question, wanted, code) in rows {
        let asked = run(folder.path(), &["ask", "--replay", replay, &question]);
        // a card wraps its lines
        let text: String = asked.out.chars().filter(|c| !"│\n".contains(*c)).collect();
        assert_eq!(asked.code, code, "{question}\n{}\n{}", asked.out, asked.err);
        for word in wanted {
            assert!(asked.out.contains(word) || text.contains(word), "{question}: no {word:?} in\n{}", asked.out);
        }
    }
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "a question left files behind");
}

#[test]
fn ask_in_json_cites_what_it_rests_on() {
    let folder = tempfile::tempdir().unwrap();
    let replay = case("seed-claim-too-small").join("cluster");
    let asked = |question: &str| -> Value {
        let ran = run(folder.path(), &["ask", "--replay", replay.to_str().unwrap(), "-o", "json", question]);
        serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {} {}", ran.out, ran.err))
    };
    let why = asked("why is aiops/test-deployment not ready");
    assert_eq!(why["by"], "rules");
    assert_eq!(why["about"], "Deployment aiops/test-deployment");
    assert_eq!(why["causes"][0]["class"], "volume_size_below_minimum");
    let cited: Vec<&Value> = why["causes"][0]["evidence"].as_array().unwrap().iter().collect();
    let ids: Vec<&Value> = why["evidence"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert!(!cited.is_empty() && cited.iter().all(|id| ids.contains(id)), "{why}");
    let events = asked("events of pvc test-data");
    assert_eq!(events["tools"][0]["name"], "events_list");
    assert!(events["evidence"][0]["text"].as_str().unwrap().contains("ProvisioningFailed"));
    let sky = asked("why is the sky blue");
    assert_eq!((&sky["needs_model"], &sky["outcome"]), (&Value::Bool(true), &Value::from("unknown")));
}

#[test]
fn eval_scores_cases_and_shows_the_last_time_beside() {
    let folder = tempfile::tempdir().unwrap();
    let cases = folder.path().join("cases");
    for name in ["seed-claim-too-small", "claim_not_found-wrong-name"] {
        let to = cases.join(name);
        fs::create_dir_all(&to).unwrap();
        fs::copy(case(name).join("case.yaml"), to.join("case.yaml")).unwrap();
        std::os::unix::fs::symlink(case(name).join("cluster"), to.join("cluster")).unwrap();
    }
    let save = folder.path().join("eval.json");
    let eval = || run(folder.path(), &["eval", cases.to_str().unwrap(), "--save", save.to_str().unwrap()]);
    let first = eval();
    assert_eq!(first.code, 0, "{}\n{}", first.out, first.err);
    assert!(first.out.contains("2/2 (100.0 %)") && first.out.contains("LAST (none)"), "{}", first.out);
    // a case that asks for what is not there is a failure, with its name
    let spec = cases.join("claim_not_found-wrong-name/case.yaml");
    let text = fs::read_to_string(&spec).unwrap().replace("class: claim_not_found", "class: image_not_found");
    fs::write(&spec, text).unwrap();
    let second = eval();
    assert_eq!(second.code, 1, "{}", second.out);
    assert!(second.out.contains("1/2 (50.0 %)") && second.out.contains("LAST (rules"), "{}", second.out);
    assert!(second.out.contains("claim_not_found-wrong-name: 0/1 causes, 1 false"), "{}", second.out);
}
