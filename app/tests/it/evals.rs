//! The words of models scored over the cases: an honest model raises figures, a lying one lowers none.

use std::path::Path;

use llm::pretend::Model;
use midwatch::eval::{Case, Judge, Place, Scored, Totals, cases, scores};
use midwatch::investigate::prompt;

use crate::cli::run;

/// What `cargo run -p llm --features pretend --example scripted` serves, here in this process.
#[path = "../../../crates/llm/examples/scripted/characters.rs"]
mod characters;

pub use characters::named;

/// Each `n`-th case, so that all kinds of causes are among them.
pub fn every(n: usize) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../evals/cases");
    cases(&root, "").unwrap().into_iter().step_by(n).collect()
}

/// A scripted model and the judge that asks it.
pub async fn judge(name: &str, lang: diagnose::Lang) -> (Model, Judge) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let model = Model::acting(named(name).unwrap()).await.unwrap();
    let settings = llm::Settings { models: vec![llm::settings::Model::new(name, &model.url, "m")] };
    let judge = Judge {
        name: name.to_owned(),
        models: llm::Models::new(&settings, None).unwrap(),
        instructions: prompt::instructions(None, lang).unwrap(),
        lang,
        tools: tools::Settings { lang, ..tools::Settings::default() },
        budget: agent::Budget::default(),
        store: None,
    };
    (model, judge)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_model_lowers_a_figure_however_it_lies() {
    let cases = every(30);
    assert!(cases.len() > 10);
    for lang in [diagnose::Lang::En, diagnose::Lang::Zh] {
        let (mut models, mut judges) = (Vec::new(), Vec::new());
        // the others say the same in both languages
        let names: &[&str] = match lang {
            diagnose::Lang::En => &["good", "hesitant", "lying", "obeying", "prose", "silent"],
            diagnose::Lang::Zh => &["good", "lying"],
        };
        for name in names {
            let (model, judge) = judge(name, lang).await;
            models.push(model);
            judges.push(judge);
        }
        let all: Vec<Scored> = scores(&cases, &judges, 4, |_| {}).await;
        let rules = Totals::of(&all.iter().map(|scored| scored.rules.clone()).collect::<Vec<_>>());
        assert_eq!(rules.perfect, cases.len());
        for (at, judge) in judges.iter().enumerate() {
            let by: Vec<_> = all.iter().map(|scored| scored.judged[at].clone()).collect();
            let totals = Totals::of(&by);
            let bad: Vec<_> = by.iter().filter(|score| !score.perfect()).map(|score| &score.case).collect();
            assert_eq!(totals.worse_than(&rules), Vec::<&str>::new(), "{}: {bad:?}", judge.name);
            match judge.name.as_str() {
                "good" => {
                    assert_eq!(totals.rounds, cases.len() as u64, "one round each");
                    assert!(totals.kept > 10 * totals.dropped, "{} kept, {} dropped", totals.kept, totals.dropped);
                }
                "hesitant" => assert_eq!(totals.rounds, 2 * cases.len() as u64),
                "lying" => assert!(totals.dropped > 8 * cases.len(), "{} dropped", totals.dropped),
                "silent" => assert_eq!((totals.silent, totals.kept), (cases.len(), 0)),
                _ => assert!(totals.dropped > 0),
            }
        }
        for model in &models {
            assert_eq!(model.violations(), Vec::<String>::new());
        }
    }
}

/// The scores count what the judge of the evals knows to be false; this looks at the words themselves.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_liar_makes_up_is_kept() {
    let (_model, judge) = judge("lying", diagnose::Lang::En).await;
    for case in every(40) {
        let place = Place::of(&case).unwrap();
        let report = place.report(&case).await.unwrap();
        let (_, words) = judge.words(&case, &place, &report).await.unwrap();
        let kept: Vec<String> = words.statements().map(str::to_lowercase).collect();
        for made_up in characters::MADE_UP {
            assert!(!kept.iter().any(|text| text.contains(made_up)), "{}: {made_up} in {kept:?}", case.name);
        }
        assert!(words.suggestions.iter().all(|advice| advice.command.is_none()), "{}: {words:?}", case.name);
        assert!(words.dropped.len() >= 10, "{}: {words:?}", case.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eval_shows_a_model_beside_the_rules_and_its_last_time() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::acting(named("good").unwrap()).await.unwrap();
    let config = folder.path().join("m.yaml");
    let text = format!("models:\n- {{name: good, url: {}, model: m, price_in: 10, price_out: 10}}\n", model.url);
    std::fs::write(&config, text).unwrap();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../evals/cases");
    let eval = |more: &[&str]| {
        let all = ["eval", cases.to_str().unwrap(), "--only", "claim_not_found", "--config", config.to_str().unwrap()];
        run(folder.path(), &[&all[..], more].concat())
    };
    let first = eval(&["--model", "good", "--lang", "en", "--workers", "3"]);
    assert_eq!(first.code, 0, "{}\n{}", first.out, first.err);
    let head = first.out.lines().next().unwrap();
    assert!(head.contains("RULES") && head.contains("GOOD") && head.contains("LAST (none)"), "{}", first.out);
    assert!(first.out.contains("good lowers no figure of the rules"), "{}", first.out);
    let unknown = eval(&["--model", "better"]);
    assert!(unknown.code == 3 && unknown.err.contains("there are: good"), "{}", unknown.err);
    // a part of the cases is not kept as the figures of all
    assert!(!folder.path().join("midwatch-data/eval.json").exists());
}
