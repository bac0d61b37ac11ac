//! `helm_install` with a real Helm: a chart is rendered, its objects are proposed, and nothing but an approval makes them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use midwatch::approvals::{Acting, State};
use midwatch::audit::Audit;
use midwatch::mcp::{Clusters, Desk, Hub, caller};
use serde_json::{Map, Value, json};
use tools::{Helm, Server, Set, Settings, Trouble};

use crate::approvals::{Office, admin, ann, bob, busy, creating_policy, furnish, object};
use crate::testbed::TestBed;

/// A chart with one config map whose value is given.
fn chart(folder: &Path) -> PathBuf {
    let chart = folder.join("charts/greeting");
    std::fs::create_dir_all(chart.join("templates")).unwrap();
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: greeting\nversion: 1.0.0\n").unwrap();
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-words\ndata:\n  words: {{ .Values.words | quote }}\n";
    std::fs::write(chart.join("templates/words.yaml"), template).unwrap();
    chart
}

/// The test bed's Helm under a name of its own.
fn program(folder: &Path) -> PathBuf {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbed/run");
    let program = folder.join("helm");
    std::fs::write(&program, format!("#!/bin/sh\nexec {} helm \"$@\"\n", run.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn arguments(chart: &str) -> Map<String, Value> {
    let value = json!({"chart": chart, "name": "hello", "namespace": "charts", "values": {"words": "good morning"}});
    value.as_object().unwrap().clone()
}

pub async fn a_chart_is_proposed_object_by_object(bed: &TestBed) {
    furnish(bed, "charts");
    let folder = tempfile::tempdir().unwrap();
    let chart = chart(folder.path());
    let office = Office::under(|folder| creating_policy(folder, "charts"), admin(bed), busy(), Acting::AsPerson).await;
    let helm =
        Helm { program: program(folder.path()), charts: vec![format!("{}/", folder.path().join("charts").display())] };
    let desk = Desk {
        store: office.store.clone(),
        audit: Audit::new(office.store.clone()),
        approvals: office.hub.clone(),
        place: midwatch::hands::Place { base: String::new(), terminal: None },
        helm: Some(helm),
    };
    let hub = Hub { clusters: Clusters::only(Ok(admin(bed))), prometheus: None, desk: Some(desk), impersonate: false };
    let sets = [Set::Core, Set::Helm].into();
    let server = Server::new(Arc::new(hub), Settings { sets, ..Settings::default() }).unwrap();

    let elsewhere = server.call(&caller(&ann()), "helm_install", arguments("/etc")).await;
    assert!(matches!(&elsewhere, Err(Trouble::Refused(why)) if why.contains("charts/")), "{:?}", elsewhere.err());
    let proposed = server.call(&caller(&ann()), "helm_install", arguments(chart.to_str().unwrap())).await;
    let Err(Trouble::Approval(proposed)) = proposed else { panic!("{:?}", proposed.map(|said| said.text)) };
    assert!(
        bed.kubectl(&["-n", "charts", "get", "configmaps", "-o", "name"]).lines().all(|name| !name.contains("hello"))
    );

    let view = office.hub.view(&bob(), &proposed.id).await.unwrap();
    office.hub.approve(&bob(), &view.id, &view.digest).await.unwrap();
    assert_eq!(office.run(&view.id).await.state, State::Executed);
    assert_eq!(object(bed, "charts", "configmap/hello-words")["data"], json!({"words": "good morning"}));
}
