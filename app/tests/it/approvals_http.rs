//! Every route about changes with every role: what belongs to somebody else is as unknown, forms come from our own page,
//! a program's token approves nothing.

use std::sync::Arc;

use cluster::Verb;
use midwatch::approvals::{Acting, State, View};
use midwatch::audit::Audit;
use midwatch::http::{self, Desk, Doors};
use midwatch::people::{self, People, secret};
use midwatch::store::people as rows;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::approvals::{Office, admin, ann, busy, furnish, wish};
use crate::testbed::TestBed;

/// Who sends a request, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    Wrong,
    Viewer,
    Other,
    Ann,
    ApproverToken,
    /// A browser with the approver's cookie.
    Bob,
    /// The same, and the page's token.
    BobForm,
    /// The same, sent from another site.
    BobCross,
}

use Who::{Ann, ApproverToken, Bob, BobCross, BobForm, Nobody, Other, Viewer, Wrong};

const ALL: [Who; 9] = [Nobody, Wrong, Viewer, Other, Ann, ApproverToken, Bob, BobForm, BobCross];

/// Method, path, what is done: who, and with which status it is answered.
const TABLE: &str = "
GET /approvals: Nobody 303, Wrong 401, Viewer 200, Other 200, Ann 200, ApproverToken 200, Bob 200
GET /approvals/ID: Nobody 303, Wrong 401, Viewer 404, Other 404, Ann 200, ApproverToken 200, Bob 200
GET /api/v1/proposals: Nobody 401, Wrong 401, Viewer 200, Other 200, Ann 200, ApproverToken 200, Bob 200
GET /api/v1/proposals/ID: Nobody 401, Wrong 401, Viewer 404, Other 404, Ann 200, ApproverToken 200, Bob 200
POST /api/v1/proposals/ID undo: Nobody 401, Wrong 401, Viewer 404, Other 404, Ann 409, ApproverToken 409, Bob 403
POST /api/v1/proposals/ID withdraw: Nobody 401, Wrong 401, Viewer 404, Other 404, ApproverToken 403, Bob 403, BobForm 403
POST /api/v1/proposals/ID deny: Nobody 401, Wrong 401, Viewer 404, Other 404, Ann 403, Bob 403, BobCross 403
POST /approvals/ID approve: Nobody 303, Wrong 401, Viewer 404, Other 404, Ann 403, ApproverToken 403, Bob 403, BobCross 403
POST /api/v1/proposals/ID approve: Nobody 401, Wrong 401, Viewer 404, Other 404, Ann 403, ApproverToken 403, Bob 403, BobCross 403
GET /api/v1/pause: Nobody 401, Wrong 401, Viewer 200, Ann 200, Bob 200
POST /api/v1/pause pause: Nobody 401, Wrong 401, Viewer 403, Bob 403, BobCross 403, Ann 200
POST /api/v1/pause resume: Nobody 401, Wrong 401, Viewer 403, Ann 403, ApproverToken 403, Bob 403, BobCross 403, BobForm 200
POST /approvals/pause pause: Nobody 303, Wrong 401, Viewer 403, Bob 403, BobCross 403
POST /approvals/pause resume: Nobody 303, Wrong 401, Viewer 403, Ann 403, ApproverToken 403, BobCross 403
";

struct Site {
    base: String,
    client: reqwest::Client,
    cookie: String,
    form_token: String,
    _stop: watch::Sender<bool>,
}

impl Site {
    async fn start(office: &Office) -> Self {
        let token = |user: &str, role: &str| json!({"user": user, "groups": ["dev"], "roles": [role], "token": format!("token-{user}-0123456789abcdef")});
        let tokens = [
            token("victor", "viewer"),
            token("otto", "operator"),
            token("ann", "operator"),
            token("paula", "approver"),
        ];
        let settings: people::Settings = serde_json::from_value(json!({"tokens": tokens})).unwrap();
        let password = Some(secret::hash_password("a long password").unwrap());
        let user = rows::User {
            name: "bob".into(),
            password,
            groups: "[]".into(),
            roles: "[\"approver\"]".into(),
            disabled: false,
            created_at: 0,
        };
        office.store.write(move |c| Box::pin(async move { rows::put(c, &user).await })).await.unwrap();
        let people = Arc::new(People::new(office.store.clone(), &settings).unwrap());
        let doors = Arc::new(Doors { people, audit: Audit::new(office.store.clone()), https: false });
        let desk = Desk { doors: doors.clone(), approvals: office.hub.clone() };
        let router = http::people(doors).merge(http::desk(Arc::new(desk)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(http::serve(listener, router, stopped));
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let form = [("name", "bob"), ("password", "a long password")];
        let login = client.post(format!("{base}/login")).form(&form).send().await.unwrap();
        let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut site = Self { base, client, cookie, form_token: String::new(), _stop: stop };
        let page = site.send(Bob, Method::GET, "/approvals", None).await.1;
        let marked = page.split_once("name=\"token\" value=\"").unwrap().1;
        site.form_token = marked.split_once('"').unwrap().0.to_owned();
        site
    }

    async fn send(&self, who: Who, method: Method, path: &str, body: Option<Value>) -> (u16, String) {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        let bearer = |user: &str| format!("token-{user}-0123456789abcdef");
        request = match who {
            Nobody => request,
            Wrong => request.bearer_auth("token-nobody-0123456789abcdef"),
            Viewer => request.bearer_auth(bearer("victor")),
            Other => request.bearer_auth(bearer("otto")),
            Ann => request.bearer_auth(bearer("ann")),
            ApproverToken => request.bearer_auth(bearer("paula")),
            Bob | BobForm => request.header("cookie", &self.cookie),
            BobCross => request.header("cookie", &self.cookie).header("sec-fetch-site", "cross-site"),
        };
        if let Some(mut body) = body {
            if matches!(who, BobForm | BobCross) {
                body["token"] = self.form_token.clone().into();
            }
            request = if path.starts_with("/api/") {
                request.json(&body)
            } else {
                let fields: Vec<(String, String)> = body
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
                    .collect();
                request.form(&fields)
            };
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

pub async fn every_route_with_every_role(bed: &TestBed) {
    furnish(bed, "site");
    let office = Office::open(admin(bed), busy(), Acting::AsPerson).await;
    let site = Site::start(&office).await;
    let scale = |replicas: i64| {
        let mut wish = wish(Verb::Patch, "Deployment", "site", "web", Some(json!({"spec": {"replicas": replicas}})));
        wish.reason = Some("<script>alert(1)</script>\u{202e}gnp".into());
        wish
    };
    let view = office.hub.propose(&ann(), scale(3)).await.unwrap();
    let mut checked = 0;
    for line in TABLE.lines().filter(|line| !line.is_empty()) {
        checked += row(&site, &view, line).await;
    }
    println!("{checked} requests of nine kinds of senders answered as the table says");
    for who in [Viewer, Other] {
        let (_, text) = site.send(who, Method::GET, "/api/v1/proposals", None).await;
        assert_eq!(text, "{\"proposals\":[]}");
    }
    the_page_shows_all_and_runs_nothing(&office, &site, &view).await;
}

/// One line of the table: asked by each sender, answered with the status that stands there.
async fn row(site: &Site, view: &View, line: &str) -> usize {
    let (asked, expected) = line.split_once(": ").unwrap();
    let mut words = asked.split_whitespace();
    let method = Method::from_bytes(words.next().unwrap().as_bytes()).unwrap();
    let path = words.next().unwrap().replace("ID", &view.id);
    let body = words.next().map(|action| json!({"action": action, "digest": view.digest, "reason": "x"}));
    let mut checked = 0;
    for pair in expected.split(", ") {
        let (name, status) = pair.split_once(' ').unwrap();
        let who = ALL.into_iter().find(|who| format!("{who:?}") == name).unwrap();
        let (got, text) = site.send(who, method.clone(), &path, body.clone()).await;
        assert_eq!(got.to_string(), status, "{asked} as {who:?}: {text}");
        if got == 404 {
            assert!(!text.contains("in site") && !text.contains(&view.digest), "{text}");
            // nothing tells it from one that never was
            let other = path.replace(&view.id, "aaaaaaaaaaaaaaaa");
            let (_, never) = site.send(who, method.clone(), &other, body.clone()).await;
            assert_eq!(text.replace(&view.id, "aaaaaaaaaaaaaaaa"), never);
        }
        checked += 1;
    }
    checked
}

async fn the_page_shows_all_and_runs_nothing(office: &Office, site: &Site, view: &View) {
    let (page, api) = (format!("/approvals/{}", view.id), format!("/api/v1/proposals/{}", view.id));
    let approve = || Some(json!({"action": "approve", "digest": view.digest}));
    // the page: nothing runs in it, nothing is invisible, the model's words are labelled as such
    let response = site.client.get(format!("{}{page}", site.base)).header("cookie", &site.cookie).send().await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let html = response.text().await.unwrap();
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    assert!(html.contains("⟨U+202E⟩gnp") && !html.contains('\u{202e}'), "{html}");
    assert!(html.contains("may be wrong or hostile") && html.contains("spec.replicas"), "{html}");

    // and what the page offers works
    let (status, _) = site.send(BobForm, Method::POST, &page, approve()).await;
    assert_eq!(status, 303);
    assert_eq!(office.run(&view.id).await.state, State::Executed);
    let (status, text) = site.send(BobForm, Method::POST, &api, approve()).await;
    assert_eq!(status, 409, "{text}");
}
