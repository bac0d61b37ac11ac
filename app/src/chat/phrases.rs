//! What is said in fixed words, in both languages.

use agent::{Limit, WhyEnded};
use diagnose::{Lang, ObjectRef};

use super::clean::line;
use super::order::Lack;

fn word(lang: Lang, zh: impl Into<String>, en: impl Into<String>) -> String {
    match lang {
        Lang::Zh => zh.into(),
        Lang::En => en.into(),
    }
}

pub fn help(lang: Lang) -> String {
    word(
        lang,
        "可以这样问：\n  为什么 shop/cart 起不来\n  shop 里有哪些 pod，哪些不正常\n  cart 的日志 / 事件\n  shop 最近一小时改了什么\n  谁能删除 shop 里的 pod\n\
         可以这样改（每个变更都要您看过并同意）：\n  把 shop/cart 扩到 5 个副本\n  重启 shop/cart，回滚 shop/cart，撤销\n  删除 pod shop/cart-xyz\n  粘贴一份清单\n\
         以上不需要模型。",
        "Ask, for example:\n  why is shop/cart not ready\n  how many pods are in shop, which are not ready\n  logs of cart, events of cart\n  \
         what changed in shop in the last hour\n  who can delete pods in shop\n\
         Change (each one only after you saw it and said yes):\n  scale shop/cart to 5\n  restart shop/cart, roll back shop/cart, undo\n  \
         delete pod shop/cart-xyz\n  paste a manifest\n\
         None of this needs a model.",
    )
}

pub fn needs_model(lang: Lang) -> String {
    word(
        lang,
        "这个问题规则和工具回答不了，需要配置模型（配置文件里的 models）。不用模型也能回答的，输入 help 查看。",
        "Rules and tools cannot answer this; it needs a model (`models` in the configuration). Type help for what works without one.",
    )
}

/// The same where a model is there and gave no answer.
pub fn unanswered(lang: Lang) -> String {
    word(
        lang,
        "这个问题规则和工具回答不了，模型也没有给出答案。不用模型也能回答的，输入 help 查看。",
        "Rules and tools cannot answer this, and no model did. Type help for what works without one.",
    )
}

pub fn failure(why: &WhyEnded, lang: Lang) -> String {
    match why {
        WhyEnded::Model { message, .. } => {
            let message = line(message, 400);
            word(lang, format!("模型没有回答：{message}"), format!("No model answered: {message}"))
        }
        WhyEnded::Budget { limit } => {
            let (zh, en) = match limit {
                Limit::Rounds => ("轮数", "rounds"),
                Limit::Calls => ("工具调用次数", "calls"),
                Limit::Tokens => ("token", "tokens"),
                Limit::Time => ("时间", "time"),
                Limit::Money => ("费用", "money"),
            };
            word(
                lang,
                format!("模型用完了{zh}，没有给出答案"),
                format!("The model used up its {en} and gave no answer"),
            )
        }
        WhyEnded::Repeating { name } => {
            let name = line(name, 60);
            word(
                lang,
                format!("模型一再重复同一调用（{name}），没有给出答案"),
                format!("The model made the same call ({name}) again and again and gave no answer"),
            )
        }
        WhyEnded::UnknownTools => word(
            lang,
            "模型一再调用不存在的工具，没有给出答案",
            "The model kept calling tools that do not exist and gave no answer",
        ),
        WhyEnded::NothingButAnnouncements | WhyEnded::Answered => {
            word(lang, "模型没有给出答案", "The model gave no answer")
        }
        WhyEnded::Cancelled => word(lang, "已停止", "Stopped"),
        WhyEnded::Record { message } => word(
            lang,
            format!("运行记录写不下去，因此没有再问模型：{message}"),
            format!("The run could not be written down, so the model was not asked further: {message}"),
        ),
    }
}

pub fn rules_alone(lang: Lang) -> String {
    word(lang, "（仅由规则和工具得出，未使用模型）", "(by rules and tools alone, no model was used)")
}

pub fn nothing(wanted: &str, near: &[String], lang: Lang) -> String {
    if near.is_empty() {
        return word(lang, format!("没有找到 {wanted}"), format!("Nothing here is called {wanted}"));
    }
    let near = near.join(if lang == Lang::Zh { "、" } else { ", " });
    word(
        lang,
        format!("没有找到 {wanted}。您是不是想问：{near}？"),
        format!("Nothing here is called {wanted}. Do you mean {near}?"),
    )
}

pub fn several(found: &[ObjectRef], lang: Lang) -> String {
    let names: Vec<String> = found.iter().take(8).map(ToString::to_string).collect();
    let names = names.join(if lang == Lang::Zh { "、" } else { ", " });
    word(
        lang,
        format!("有几个同名对象：{names}。请写明命名空间。"),
        format!("Several have this name: {names}. Say which namespace."),
    )
}

pub fn lacks(lack: Lack, lang: Lang) -> String {
    match lack {
        Lack::Replicas => word(
            lang,
            "要多少个副本？例如：把 shop/cart 扩到 5 个副本",
            "To how many replicas? Such as: scale shop/cart to 5",
        ),
        Lack::Image => word(
            lang,
            "换成哪个镜像？请写全，例如 registry.example.com/cart:2",
            "Which image? Write it in full, such as registry.example.com/cart:2",
        ),
        Lack::Size => word(
            lang,
            "扩到多大？例如：把 pvc shop/data 扩容到 20Gi",
            "To what size? Such as: expand pvc shop/data to 20Gi",
        ),
    }
}

pub fn which_object(lang: Lang) -> String {
    word(
        lang,
        "是哪个对象？请写成 命名空间/名字，例如 shop/cart",
        "Which object? Write NAMESPACE/NAME, such as shop/cart",
    )
}

pub fn which_container(names: &[&str], lang: Lang) -> String {
    let names = names.join(", ");
    word(
        lang,
        format!("有多个容器，请写明是哪个：{names}"),
        format!("There are several containers; say which: {names}"),
    )
}

pub fn no_template(one: &ObjectRef, lang: Lang) -> String {
    word(
        lang,
        format!("{one} 没有 Pod 模板，不能换镜像"),
        format!("{one} has no pod template, so its image cannot be set"),
    )
}

pub fn no_pods(one: &ObjectRef, lang: Lang) -> String {
    word(lang, format!("{one} 没有 Pod，因此没有日志"), format!("{one} has no pods, and so no logs"))
}

pub fn read_only(lang: Lang) -> String {
    word(
        lang,
        "这里不能修改任何东西：这是录制的集群，或没有存储（用 --data-dir 指定）。",
        "Nothing can be changed here: this is a recorded cluster, or there is no store (--data-dir).",
    )
}

pub fn nothing_to_undo(lang: Lang) -> String {
    word(
        lang,
        "这次对话还没有执行过变更；也可以写明提案编号：撤销 p-...",
        "Nothing was changed in this conversation yet; an id works too: undo p-...",
    )
}

pub fn no_proposals(lang: Lang) -> String {
    word(lang, "没有提案", "There are no proposals")
}

pub fn unread(what: &str, why: &str, lang: Lang) -> String {
    word(lang, format!("未能读取 {what}：{why}"), format!("{what} could not be read: {why}"))
}

/// A few names, and how many more there are.
pub fn some(names: &[String], more: usize, lang: Lang) -> String {
    let list = names.join(if lang == Lang::Zh { "、" } else { ", " });
    match more {
        0 => list,
        more => word(lang, format!("{list} 等，另有 {more} 个"), format!("{list} and {more} more")),
    }
}

fn place(namespace: &str, lang: Lang) -> String {
    if namespace.is_empty() {
        return word(lang, "集群里", "in the cluster");
    }
    word(lang, format!("命名空间 {namespace} 里"), format!("in namespace {namespace}"))
}

pub fn counted(kind: &str, namespace: &str, all: usize, bad: usize, ids: &str, lang: Lang) -> String {
    let place = place(namespace, lang);
    let (zh, en) = match bad {
        0 => (String::new(), String::new()),
        bad => (format!("，其中 {bad} 个不正常：{ids}"), format!("; {bad} not well: {ids}")),
    };
    word(
        lang,
        format!("{place}有 {all} 个 {kind}{zh}"),
        format!("{all} {}{} {place}{en}", kind.to_lowercase(), if all == 1 { "" } else { "s" }),
    )
}

pub fn troubled(kind: &str, namespace: &str, bad: usize, all: usize, ids: &str, lang: Lang) -> String {
    let place = place(namespace, lang);
    match bad {
        0 => {
            word(lang, format!("{place} {all} 个 {kind} 都正常"), format!("All {all} of kind {kind} {place} are well"))
        }
        bad => word(
            lang,
            format!("{place} {all} 个 {kind} 中有 {bad} 个不正常：{ids}"),
            format!("{bad} of {all} of kind {kind} {place} not well: {ids}"),
        ),
    }
}
