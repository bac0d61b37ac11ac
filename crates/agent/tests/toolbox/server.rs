//! A server that does what it is told, in this process or on a port.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::{AttachError, Connection, Effect, Hands, Limits, Pins, ToolServer, Toolbox};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Map, Value, json};

type Answer = Arc<dyn Fn(&str) -> CallToolResult + Send + Sync>;

#[derive(Clone)]
pub struct Server {
    pub tools: Arc<Mutex<Vec<Tool>>>,
    pub answer: Answer,
    pub called: Arc<AtomicUsize>,
    pub listed: Arc<AtomicUsize>,
    /// the list goes on for ever
    pub endless: bool,
    /// calls get no answer
    pub mute: bool,
}

pub fn tool(name: &str, description: &str, schema: Value) -> Tool {
    let Value::Object(schema) = schema else { panic!("a schema is an object") };
    Tool::new(name.to_owned(), description.to_owned(), schema)
}

pub fn plain(name: &str) -> Tool {
    tool(name, &format!("{name} as ever"), json!({"type": "object", "properties": {}}))
}

impl Server {
    pub fn new(tools: Vec<Tool>) -> Self {
        let answer: Answer = Arc::new(|name| CallToolResult::success(vec![ContentBlock::text(format!("{name} done"))]));
        let tools = Arc::new(Mutex::new(tools));
        Self { tools, answer, called: Arc::default(), listed: Arc::default(), endless: false, mute: false }
    }

    pub fn answering(mut self, answer: impl Fn(&str) -> CallToolResult + Send + Sync + 'static) -> Self {
        self.answer = Arc::new(answer);
        self
    }

    pub fn called(&self) -> usize {
        self.called.load(Ordering::SeqCst)
    }

    /// On a port of its own.
    pub async fn start(&self) -> String {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let server = self.clone();
        let service: StreamableHttpService<Server, LocalSessionManager> =
            StreamableHttpService::new(move || Ok(server.clone()), Arc::default(), Default::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let router = axum::Router::new().route_service("/mcp", service);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let page = self.listed.fetch_add(1, Ordering::SeqCst);
        let mut result = ListToolsResult::with_all_items(self.tools.lock().unwrap().clone());
        if self.endless {
            result.tools = (0..100).map(|i| plain(&format!("tool_{page}_{i}"))).collect();
            result.next_cursor = Some("more".to_owned());
        }
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.called.fetch_add(1, Ordering::SeqCst);
        if self.mute {
            std::future::pending::<()>().await;
        }
        Ok((self.answer)(&request.name).into())
    }
}

pub fn toolbox(pins: Pins) -> Toolbox {
    let limits = Limits { call: Duration::from_secs(5), ..Limits::default() };
    Toolbox::new(limits, Arc::new(|text: &str| text.replace("hunter2", "[[secret]]")), pins)
}

pub fn at(name: &str, url: &str, reads: &[&str]) -> ToolServer {
    let reads = reads.iter().map(|name| (*name).to_owned()).collect();
    ToolServer { reads, ..ToolServer::at(name, url) }
}

/// Attaches one server, as it would be after a start of the program.
pub async fn attach(toolbox: &mut Toolbox, server: ToolServer) -> Result<(), AttachError> {
    let missing = toolbox.attach(&[Arc::new(Connection::new(server, None))]).await;
    missing.into_iter().next().map_or(Ok(()), Err)
}

pub fn names(toolbox: &Toolbox) -> Vec<String> {
    toolbox.tools().into_iter().map(|tool| tool.name).collect()
}

pub async fn call(toolbox: &Toolbox, name: &str) -> agent::CallResult {
    toolbox.call(name, &Map::new()).await
}

#[tokio::test]
async fn our_own_server_and_another_one_side_by_side() {
    let (own, other) =
        (Server::new(vec![plain("pods_list"), plain("scale"), plain("odd")]), Server::new(vec![plain("now")]));
    let mut toolbox = toolbox(Pins::default());
    let effect = |name: &str| match name {
        "pods_list" => Some(Effect::Read),
        "scale" => Some(Effect::Propose),
        _ => None,
    };
    toolbox.attach_own(own.clone(), effect).await.unwrap();
    attach(&mut toolbox, at("time", &other.start().await, &["*"])).await.unwrap();
    assert_eq!(names(&toolbox), ["pods_list", "scale", "time_now"]);
    assert_eq!(toolbox.effect("scale"), Some(Effect::Propose));
    assert_eq!(toolbox.effect("time_now"), Some(Effect::Read));
    assert_eq!(call(&toolbox, "pods_list").await.text, "pods_list done");
    assert_eq!(call(&toolbox, "time_now").await.text, "now done");
    assert!(call(&toolbox, "odd").await.error);
    assert_eq!((own.called(), other.called()), (1, 1));
}
