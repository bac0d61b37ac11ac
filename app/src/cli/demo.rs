//! `midwatch demo`: the seed's incident through the real path, with nothing but this binary.
//!
//! A recorded cluster is served as an API server, the alert is posted to the real intake, the rules judge, the outbox
//! delivers to a stand-in for Feishu that checks the signature, and its cards are printed. Then the claim is mended.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;
use cluster::{Limits, Source};
use notify::pretend::{Pretend, feishu::Feishu};
use replay::{Recording, Replay};
use rust_embed::RustEmbed;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{LangArg, say};
use crate::app::App;
use crate::config::Config;

#[derive(Debug, Args)]
pub struct Demo {
    /// Write each card as a page into this folder, as the messenger shows it
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Language of the cards
    #[arg(long, value_enum, default_value = "zh")]
    lang: LangArg,
}

/// The two states of the incident: the same folders that the tests judge.
#[derive(RustEmbed)]
#[folder = "../evals/cases/seed-claim-too-small/"]
struct ClaimTooSmall;

#[derive(RustEmbed)]
#[folder = "../evals/cases/seed-image-missing/"]
struct ImageMissing;

const SECRET: &str = "demo";
/// Far more than it takes; a demo that hangs must say so.
const PATIENCE: Duration = Duration::from_secs(20);

impl Demo {
    pub async fn run(self) -> anyhow::Result<u8> {
        let started = Instant::now();
        let data = tempfile::tempdir().context("making a folder for the demo's store")?;
        let replay = Replay::new(recording::<ClaimTooSmall>()?);
        let api = TcpListener::bind("127.0.0.1:0").await?;
        let api_url = format!("http://{}", api.local_addr()?);
        let router = replay.router();
        tokio::spawn(async move { axum::serve(api, router).await });
        let feishu = Pretend::start(Feishu::new("demo", Some(SECRET))).await?;
        let config = config(data.path(), &feishu.url("/open-apis/bot/v2/hook/demo"), self.lang)?;
        let cluster = cluster::open(&Source::Server(api_url.clone()), &Limits::default())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let intake = format!("http://{}/webhooks/alertmanager", listener.local_addr()?);
        let (stop, stopped) = watch::channel(false);
        let app = App::new(config, Some(cluster)).await?;
        let serving = tokio::spawn(app.serve(listener, stopped));

        let zh = self.lang == LangArg::Zh;
        let tell = |zh_text: &str, en_text: &str| say(&format!("{}\n", if zh { zh_text } else { en_text }));
        tell(
            &format!("一个录制的集群正作为 API server 提供服务（{api_url}），Midwatch 接收告警的地址是 {intake}"),
            &format!("A recorded cluster is served as an API server ({api_url}); Midwatch takes alerts at {intake}"),
        )?;
        tell("\n① Alertmanager 报告：Pod 长时间未就绪", "\n1. Alertmanager reports: a pod is not ready")?;
        post::<ClaimTooSmall>(&intake).await?;
        let first = card(&feishu, 0, "5Gi").await?;
        tell(
            "\n② 把 PVC 按 10Gi 重建后，Alertmanager 报告：副本数不足",
            "\n2. The claim is made again at 10Gi. Alertmanager reports: replicas are missing",
        )?;
        replay.swap(recording::<ImageMissing>()?);
        post::<ImageMissing>(&intake).await?;
        card(&feishu, first, "noimage").await?;
        if let Some(dir) = &self.save {
            save(&feishu, dir)?;
        }
        let seconds = started.elapsed().as_secs_f64();
        tell(
            &format!(
                "\n没有使用任何模型，共用时 {seconds:.1} 秒。接下来：\n  make demo-live        在真实的控制面、Prometheus 和 Alertmanager 上演示同样的过程\n  midwatch diagnose     诊断当前 kubeconfig 指向的集群\n  midwatch serve        开始接收告警（midwatch doctor 会给出可粘贴的 Alertmanager 配置）"
            ),
            &format!(
                "\nNo model took part; {seconds:.1} s in all. Go on with:\n  make demo-live        the same on a real control plane with Prometheus and Alertmanager\n  midwatch diagnose     diagnose the cluster of your current kubeconfig context\n  midwatch serve        take alerts (midwatch doctor prints what to paste into Alertmanager)"
            ),
        )?;
        stop.send_replace(true);
        serving.await??;
        Ok(0)
    }
}

fn recording<State: RustEmbed>() -> anyhow::Result<Recording> {
    let files = State::iter().filter_map(|path| {
        let rest = path.strip_prefix("cluster/")?.to_owned();
        Some((rest, State::get(&path)?.data))
    });
    Recording::from_files(files).context("reading the recorded cluster")
}

fn config(data_dir: &Path, hook: &str, lang: LangArg) -> anyhow::Result<Config> {
    let lang = if lang == LangArg::Zh { "zh" } else { "en" };
    let value = json!({
        "data_dir": data_dir,
        "lang": lang,
        "cluster": {"name": "demo"},
        "channels": {"feishu": {"type": "feishu_bot", "url": hook, "secret": SECRET}},
    });
    Ok(serde_json::from_value(value)?)
}

/// Posts the case's alert as Alertmanager would, as of now.
async fn post<State: RustEmbed>(intake: &str) -> anyhow::Result<()> {
    let file = State::get("case.yaml").context("the case has no case.yaml")?;
    let case: Value = serde_saphyr::from_slice(&file.data)?;
    let mut alert = case["alert"].clone();
    alert["alerts"][0]["startsAt"] = jiff::Timestamp::now().to_string().into();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let status = client.post(intake).json(&alert).send().await?.status();
    ensure!(status.is_success(), "the intake answered {status}");
    Ok(())
}

/// Prints the cards that arrive until one names the cause. The number of cards so far.
async fn card(feishu: &Pretend<Feishu>, mut seen: usize, cause: &str) -> anyhow::Result<usize> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let cards: Vec<String> = feishu.with(|feishu| feishu.messages.iter().skip(seen).map(|m| m.text()).collect());
        for text in cards {
            seen += 1;
            say(&format!("\n{}\n", boxed(&text)))?;
            if text.contains(cause) {
                return Ok(seen);
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("no card named the cause within {} s", PATIENCE.as_secs())
}

fn save(feishu: &Pretend<Feishu>, dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    let pages: Vec<String> = feishu.with(|feishu| feishu.messages.iter().map(|message| message.html()).collect());
    for (i, page) in pages.iter().enumerate() {
        let path = dir.join(format!("card-{}.html", i + 1));
        std::fs::write(&path, page).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

fn boxed(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("│ {line}")).collect();
    format!("┌─ 飞书 Feishu ─────────────\n{}\n└───────────────────────────", lines.join("\n"))
}
