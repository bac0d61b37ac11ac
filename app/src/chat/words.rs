//! The words of questions and orders, in Chinese and English, and the kinds that people name.

use diagnose::kinds::{self, Kind};

/// English words that are never a name, however they are written.
const PLAIN: &str = "\
    a about advice after alert alerts all allowed am an and any anything app application apply are arent at avoid \
    back bad be because been before being best better broken but by called can cannot cant change changed changes \
    check cluster come compare container containers cordon could count cpu crash crashed crashing create current \
    currently day days delete deployed describe did difference disk do does doesnt doing dont down error errors event \
    events every everything exec exist exists expand explain fail failed failing fails find firing for from future \
    get give going grow had happen happened happening happens has have healthy help hey hi hour hours how i if image \
    improve in increase inside into is isnt issue issues it its just keep keeps kind kubectl last latest line lines \
    list log logs loop many matter may me mean means memory might min minute minutes modified more most much must my \
    name named names namespace namespaces need new next night no not now number object objects of off often ok old on \
    once or our out outage over patch pause pending people permission person please prevent previous print problem \
    problems proposal proposals pull pulled ready really reason reboot recent recently recommend remove replace \
    replica replicas resize restart restarted restarting restarts resume revert right roll rollback rollout run \
    running say says scale schedule scheduled see set should show since size slow so some something start started \
    starting starts state status still stuck summary tail tell term than thanks that the their them then there these \
    they thing things this those time times to today top translate trouble uncordon undo undo-last unhealthy unready \
    until up update us usage use used using version very volume want was watch we weeks well were what whats when \
    where which while who why will with without wont work working workload workloads works would write wrong yes \
    yesterday yet you your";

pub fn is_plain(word: &str) -> bool {
    PLAIN.split(' ').any(|plain| plain == word) || word.len() < 2 && !word.chars().all(|c| c.is_ascii_digit())
}

/// The kind that an English word or a short name means. Words that people also use for other things are none.
pub fn kind(word: &str) -> Option<&'static Kind> {
    let other = ["no", "limits", "application", "applications", "event", "events", "ev", "role", "lease", "leases"];
    if other.contains(&word) {
        return None;
    }
    kinds::by_word(word)
}

/// Chinese words for kinds, the longer ones first. `服务` is left out: it mostly means a program.
const KINDS_ZH: &[(&str, &str)] = &[
    ("定时任务", "CronJob"),
    ("存储卷声明", "PersistentVolumeClaim"),
    ("持久卷声明", "PersistentVolumeClaim"),
    ("存储声明", "PersistentVolumeClaim"),
    ("持久卷", "PersistentVolume"),
    ("存储类", "StorageClass"),
    ("守护进程集", "DaemonSet"),
    ("有状态副本集", "StatefulSet"),
    ("有状态应用", "StatefulSet"),
    ("无状态应用", "Deployment"),
    ("工作负载", "Deployment"),
    ("部署", "Deployment"),
    ("容器组", "Pod"),
    ("节点", "Node"),
];

pub fn kind_zh(text: &str) -> Option<&'static Kind> {
    let (_, name) = KINDS_ZH.iter().find(|(word, _)| text.contains(word))?;
    kinds::kind(name)
}

/// What a sentence speaks of, by the words in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Why,
    WhoCan,
    Logs,
    Events,
    Changes,
    Alerts,
    Proposals,
    Count,
    Usage,
    Trouble,
    Help,
    Show,
}

/// In the order in which they decide: the first that is spoken of is meant. English words stand alone or in a phrase.
const TOPICS: &[(Topic, &[&str], &[&str])] = &[
    (
        Topic::Help,
        &["what can you do", "how do i use", "help"],
        &["你能做什么", "能做什么", "怎么用", "帮助", "使用说明"],
    ),
    (
        Topic::WhoCan,
        &["who can", "who may", "who could", "who is allowed", "who has the right", "who has permission"],
        &["谁能", "谁可以", "谁有权", "谁有权限", "哪些人可以", "哪些人能", "谁可"],
    ),
    (Topic::Why, &["why", "how come", "root cause", "reason"], &["为什么", "为啥", "为何", "原因", "根因", "咋回事"]),
    (Topic::Logs, &["log", "logs"], &["日志", "打印了什么"]),
    (Topic::Events, &["event", "events"], &["事件"]),
    (
        Topic::Changes,
        &["changed", "changes", "what was deployed", "deployed recently", "modified"],
        &["变更", "改动", "改了", "变化", "谁改", "改过", "发布了什么", "动过", "变了"],
    ),
    (Topic::Alerts, &["alert", "alerts", "firing", "incidents"], &["告警", "报警", "警报"]),
    (Topic::Proposals, &["proposal", "proposals", "approvals", "pending changes"], &["提案", "待审批", "审批"]),
    (Topic::Count, &["how many", "number of", "count"], &["多少", "几个", "有几", "数量", "几台", "个数"]),
    (
        Topic::Usage,
        &["cpu", "memory usage", "top", "usage", "how much memory", "most memory"],
        &["用量", "占用", "使用率", "资源使用", "内存使用", "吃内存"],
    ),
    (
        Topic::Trouble,
        &[
            "wrong",
            "broken",
            "fail",
            "failed",
            "failing",
            "fails",
            "crash",
            "crashing",
            "crashed",
            "crashloop",
            "crashloopbackoff",
            "not ready",
            "unready",
            "pending",
            "down",
            "unhealthy",
            "healthy",
            "problem",
            "problems",
            "issue",
            "issues",
            "ok",
            "stuck",
            "restarting",
            "restarts",
            "error",
            "errors",
            "diagnose",
            "not working",
            "matter",
            "outage",
            "imagepullbackoff",
            "oom",
            "oomkilled",
            "not start",
            "wont start",
            "happening",
            "happened",
            "status",
            "evicted",
            "not running",
            "doesnt start",
            "doesnt work",
            "slow",
            "cannot start",
            "health",
            "ready",
        ],
        &[
            "怎么了",
            "起不来",
            "异常",
            "故障",
            "问题",
            "挂了",
            "报错",
            "不正常",
            "健康",
            "正常吗",
            "不就绪",
            "未就绪",
            "没就绪",
            "没起来",
            "启动不了",
            "启动失败",
            "失败",
            "重启",
            "崩溃",
            "排查",
            "诊断",
            "卡住",
            "不可用",
            "不工作",
            "坏了",
            "咋了",
            "怎么回事",
            "状态",
            "还好吗",
            "正常不",
            "访问不了",
            "连不上",
            "拉不到镜像",
            "拉取失败",
            "出错",
            "怎么样",
            "没反应",
            "不通",
            "正常么",
        ],
    ),
    (
        Topic::Show,
        &["list", "show", "get", "describe", "which", "what", "see", "print", "view", "find", "are there", "give me"],
        &[
            "有哪些",
            "列出",
            "查看",
            "看看",
            "看下",
            "看一下",
            "显示",
            "哪些",
            "描述",
            "详情",
            "列一下",
            "都有什么",
            "给我看",
        ],
    ),
];

/// The text in lower case with one space between words, apostrophes and punctuation gone.
pub fn flat(text: &str) -> String {
    let lower = text.to_lowercase().replace(['\'', '’'], "");
    let mut spaced = String::with_capacity(lower.len() + 8);
    let mut before = ' ';
    for c in lower.chars().map(|c| if c.is_alphanumeric() || "-_./:=".contains(c) { c } else { ' ' }) {
        if c.is_ascii() != before.is_ascii() {
            spaced.push(' ');
        }
        spaced.push(c);
        before = c;
    }
    let words = spaced.split_whitespace().map(|word| word.trim_matches(['.', ':']));
    words.collect::<Vec<_>>().join(" ")
}

/// Whether the words of `phrase` stand together in a flat text.
pub fn says(flat: &str, phrase: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric() && !"-_./".contains(c));
    flat.match_indices(phrase)
        .any(|(at, _)| edge(flat[..at].chars().next_back()) && edge(flat[at + phrase.len()..].chars().next()))
}

pub fn topic(flat: &str) -> Option<Topic> {
    let spoken = |(_, english, chinese): &&(Topic, &[&str], &[&str])| {
        english.iter().any(|phrase| says(flat, phrase)) || chinese.iter().any(|word| flat.contains(word))
    };
    TOPICS.iter().find(spoken).map(|(topic, ..)| *topic)
}

/// Whether somebody asks, where the same verb could also be an order.
pub fn asks(flat: &str) -> bool {
    let asked_kindly = ["can you", "could you", "would you", "please", "will you"];
    if asked_kindly.iter().any(|phrase| says(flat, phrase)) && !says(flat, "why") && !flat.contains("tell me") {
        return false;
    }
    if ["帮我", "请把", "请将", "麻烦"].iter().any(|word| flat.contains(word)) && !flat.contains("为什么") {
        return false;
    }
    let openers = [
        "why", "how", "who", "what", "which", "is", "are", "does", "do", "did", "when", "where", "was", "were", "can",
        "should", "has", "have", "whats",
    ];
    let first = flat.split(' ').next().unwrap_or_default();
    let chinese = [
        "为什么",
        "为啥",
        "为何",
        "怎么",
        "谁",
        "哪",
        "吗",
        "什么",
        "是否",
        "多少",
        "几次",
        "次数",
        "几个",
        "一直",
        "不停",
        "反复",
        "老是",
        "总是",
        "频繁",
        "在重启",
        "自动重启",
        "重启了",
        "如何",
        "能不能",
        "可以",
    ];
    openers.contains(&first) || chinese.iter().any(|word| flat.contains(word))
}

/// Whether "it" or "that one" is meant: what was spoken of before.
pub fn points_back(flat: &str) -> bool {
    let english = ["it", "its", "that", "this", "that one", "them", "the same"];
    english.iter().any(|word| says(flat, word))
        || ["它", "这个", "那个", "上面", "刚才"].iter().any(|w| flat.contains(w))
}

/// Whether facts alone do not answer it: advice, a comparison, an explanation is wished.
pub fn wants_thought(flat: &str) -> bool {
    let english = [
        "advice",
        "advise",
        "compare",
        "comparison",
        "difference",
        "differences",
        "explain",
        "recommend",
        "best",
        "summarize",
        "summarise",
        "summary",
        "in plain words",
        "what should",
        "what would",
        "what if",
        "what can we do",
        "what can i do",
        "how do i",
        "how do we",
        "how can i",
        "how can we",
        "how should",
        "how to",
        "how would",
        "should i",
        "should we",
        "is it safe",
        "could it be",
        "translate",
        "what does that mean",
        "what does it mean",
        "what does this mean",
        "next step",
        "next steps",
        "prevent",
        "better",
    ];
    let chinese = [
        "比较",
        "对比",
        "区别",
        "解释",
        "建议",
        "怎么办",
        "应该",
        "如何",
        "怎么修",
        "怎么解决",
        "怎么处理",
        "怎么改",
        "怎么做",
        "要不要",
        "该不该",
        "安全吗",
        "总结",
        "概括",
        "翻译",
        "什么意思",
        "下一步",
        "避免",
        "预防",
        "优化",
        "如果",
        "说明一下",
    ];
    english.iter().any(|phrase| says(flat, phrase)) || chinese.iter().any(|word| flat.contains(word))
}

/// Whether the one word is why.
pub fn bare_why(flat: &str) -> bool {
    ["why", "but why", "why is that", "why so", "how come", "为什么", "为什么呢", "为啥", "为何", "原因呢", "怎么会"]
        .contains(&flat)
}

/// Whether everything is meant.
pub fn whole(flat: &str) -> bool {
    let english = ["cluster", "everything", "anything", "all namespaces", "everywhere"];
    let chinese = ["集群", "整个", "所有", "全部", "有什么问题", "有没有问题"];
    english.iter().any(|word| says(flat, word)) || chinese.iter().any(|word| flat.contains(word))
}

/// Whether only those in trouble are asked for.
pub fn only_troubled(flat: &str) -> bool {
    let english =
        ["not ready", "unready", "unhealthy", "failing", "failed", "broken", "not running", "pending", "crashing"];
    let chinese = ["不就绪", "未就绪", "没就绪", "异常", "失败", "不正常", "有问题", "挂了", "没起来", "不健康"];
    english.iter().any(|word| says(flat, word)) || chinese.iter().any(|word| flat.contains(word))
}
