//! From findings to causes: what nothing else explains is a cause, the rest are its symptoms.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::class::{Role, Weight};
use crate::evidence::{Evidence, Target};
use crate::finding::{Confidence, Finding};
use crate::graph::depends_on;
use crate::object::{Object, ObjectRef};
use crate::rules::RULES;

/// A finding with what it explains.
#[derive(Debug)]
pub struct Cause {
    pub finding: Finding,
    /// from the symptom that was asked about to the cause itself
    pub chain: Vec<Finding>,
}

#[derive(Debug)]
pub struct Verdict {
    /// first is the one that explains most
    pub causes: Vec<Cause>,
    pub symptoms: Vec<Finding>,
}

/// Runs every rule and ranks what they say. Pure: the same evidence gives the same verdict.
pub fn judge(evidence: &Evidence) -> Verdict {
    let findings = merge(RULES.iter().flat_map(|rule| (rule.run)(evidence)).collect());
    let graph = Graph::new(evidence, findings);
    let start = graph.start(evidence);
    graph.verdict(&start)
}

/// One finding for each object and class, however many pods show it.
fn merge(findings: Vec<Finding>) -> Vec<Finding> {
    let mut merged: BTreeMap<(ObjectRef, &'static str), Finding> = BTreeMap::new();
    for finding in findings {
        let key = (finding.object.clone(), finding.class.name());
        let Some(first) = merged.get_mut(&key) else {
            merged.insert(key, finding);
            continue;
        };
        first.confidence = first.confidence.min(finding.confidence);
        for cite in finding.cites {
            // the first few pods prove the point; hundreds of the same would only hide it
            if first.cites.len() < 8 && !first.cites.contains(&cite) {
                first.cites.push(cite);
            }
        }
        first.seen_on.extend(finding.seen_on);
        first.because.extend(finding.because);
    }
    let mut findings: Vec<Finding> = merged.into_values().collect();
    for finding in &mut findings {
        finding.seen_on.sort();
        finding.seen_on.dedup();
        finding.because.sort();
        finding.because.dedup();
    }
    findings
}

struct Graph {
    findings: Vec<Finding>,
    on: BTreeMap<ObjectRef, Vec<usize>>,
    /// for each finding, the findings that explain it
    explained_by: Vec<Vec<usize>>,
    /// for each finding, itself and all that explains it
    reach: Vec<BTreeSet<usize>>,
}

impl Graph {
    fn new(evidence: &Evidence, findings: Vec<Finding>) -> Self {
        let mut on: BTreeMap<ObjectRef, Vec<usize>> = BTreeMap::new();
        for (i, finding) in findings.iter().enumerate() {
            for object in std::iter::once(&finding.object).chain(&finding.seen_on) {
                on.entry(object.clone()).or_default().push(i);
            }
        }
        let mut graph = Self { findings, on, explained_by: Vec::new(), reach: Vec::new() };
        graph.explained_by = (0..graph.findings.len()).map(|i| graph.explain(evidence, i)).collect();
        graph.reach = (0..graph.findings.len()).map(|i| graph.reached(i)).collect();
        graph
    }

    /// What explains a finding: findings on the objects it names, and for a symptom the causes on the same object.
    fn explain(&self, evidence: &Evidence, i: usize) -> Vec<usize> {
        let finding = &self.findings[i];
        let mut by = BTreeSet::new();
        for object in &finding.because {
            by.extend(self.at(object));
            if let Some(object) = evidence.get(object) {
                by.extend(self.at(&evidence.root(object).re));
            }
        }
        if finding.class.role() == Role::Symptom {
            for object in std::iter::once(&finding.object).chain(&finding.seen_on) {
                by.extend(self.at(object).filter(|&j| self.findings[j].class.role() == Role::Cause));
            }
        }
        by.remove(&i);
        by.into_iter().collect()
    }

    fn at(&self, object: &ObjectRef) -> impl Iterator<Item = usize> + '_ {
        self.on.get(object).into_iter().flatten().copied()
    }

    fn is_fault(&self, i: usize) -> bool {
        self.findings[i].class.weight() == Weight::Fault
    }

    /// The findings to explain.
    fn start(&self, evidence: &Evidence) -> Vec<usize> {
        let all = 0..self.findings.len();
        match &evidence.target {
            Target::Cluster => all.filter(|&i| self.is_fault(i)).collect(),
            Target::Namespace(namespace) => {
                let itself = ObjectRef::cluster("Namespace", namespace);
                let within = |object: &ObjectRef| object.namespace == *namespace || *object == itself;
                all.filter(|&i| self.is_fault(i) && within(&self.findings[i].object)).collect()
            }
            Target::Object(target) => self.start_at(evidence, target),
        }
    }

    /// Findings on the target, its controllers and its pods; if there are none, on what it depends on, nearest first.
    fn start_at(&self, evidence: &Evidence, target: &ObjectRef) -> Vec<usize> {
        let Some(object) = evidence.get(target) else {
            return self.at(target).collect();
        };
        let family = family(evidence, object);
        let own: BTreeSet<usize> = family.iter().flat_map(|re| self.at(re)).collect();
        let faults: Vec<usize> = own.iter().copied().filter(|&i| self.is_fault(i)).collect();
        let explained =
            faults.iter().any(|&i| self.roots(i).iter().any(|&r| self.findings[r].class.role() == Role::Cause));
        if explained {
            return faults;
        }
        let further = self.nearest(evidence, &family);
        if !further.is_empty() {
            return faults.into_iter().chain(further).collect();
        }
        if faults.is_empty() { own.into_iter().collect() } else { faults }
    }

    /// Faults on the nearest dependencies that have any, at most four steps away.
    fn nearest(&self, evidence: &Evidence, family: &BTreeSet<ObjectRef>) -> Vec<usize> {
        let mut seen = family.clone();
        let mut ring: Vec<ObjectRef> = family.iter().cloned().collect();
        for _ in 0..4 {
            let mut next = Vec::new();
            for object in ring.iter().filter_map(|re| evidence.get(re)) {
                next.extend(depends_on(evidence, object).into_iter().filter(|re| seen.insert(re.clone())));
            }
            let faults: BTreeSet<usize> =
                next.iter().flat_map(|re| self.at(re)).filter(|&i| self.is_fault(i)).collect();
            if !faults.is_empty() {
                return faults.into_iter().collect();
            }
            ring = next;
        }
        Vec::new()
    }

    /// The causes at the end of every explanation of this one; where there is none, the signs that nothing explains. A
    /// cause that only unexplained signs stand behind is itself the end.
    fn roots(&self, i: usize) -> BTreeSet<usize> {
        let is_cause = |j: usize| self.findings[j].class.role() == Role::Cause;
        let deepest = |&c: &usize| {
            is_cause(c) && self.reach[c].iter().all(|&d| d == c || !is_cause(d) || self.reach[d].contains(&c))
        };
        let causes: BTreeSet<usize> = self.reach[i].iter().copied().filter(deepest).collect();
        // two findings that explain only each other: the asked one stands for both
        if causes.contains(&i) {
            return BTreeSet::from([i]);
        }
        if !causes.is_empty() {
            return causes;
        }
        let signs: BTreeSet<usize> =
            self.reach[i].iter().copied().filter(|&j| self.explained_by[j].is_empty()).collect();
        if signs.is_empty() { BTreeSet::from([i]) } else { signs }
    }

    /// A finding and all that explains it, however indirectly.
    fn reached(&self, i: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::from([i]);
        let mut stack = vec![i];
        while let Some(j) = stack.pop() {
            stack.extend(self.explained_by[j].iter().filter(|&&k| seen.insert(k)));
        }
        seen
    }

    /// Shortest way from one of the start findings to a cause.
    fn chain(&self, start: &[usize], cause: usize) -> Vec<Finding> {
        let mut before: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue: VecDeque<usize> = start.iter().copied().filter(|&i| i != cause).collect();
        let starts: BTreeSet<usize> = queue.iter().copied().collect();
        while let Some(i) = queue.pop_front() {
            for &next in &self.explained_by[i] {
                if starts.contains(&next) || before.contains_key(&next) {
                    continue;
                }
                before.insert(next, i);
                queue.push_back(next);
            }
        }
        let mut path = vec![cause];
        while let Some(&previous) = path.last().and_then(|i| before.get(i)) {
            path.push(previous);
        }
        path.iter().rev().map(|&i| self.findings[i].clone()).collect()
    }

    fn verdict(&self, start: &[usize]) -> Verdict {
        let mut explains: BTreeMap<usize, usize> = BTreeMap::new();
        let mut symptoms = BTreeSet::new();
        for &i in start {
            let roots = self.roots(i);
            if !roots.contains(&i) || self.findings[i].class.role() == Role::Symptom {
                symptoms.insert(i);
            }
            for root in roots {
                if self.findings[root].class.role() == Role::Cause {
                    *explains.entry(root).or_default() += 1;
                }
            }
        }
        let mut ranked: Vec<(usize, usize)> = explains.into_iter().collect();
        let rank = |&(i, count): &(usize, usize)| {
            let finding = &self.findings[i];
            (finding.confidence, std::cmp::Reverse(count), finding.object.clone(), finding.class.name())
        };
        ranked.sort_by_key(rank);
        let sure = ranked.iter().any(|&(i, _)| self.findings[i].confidence < Confidence::Possible);
        let causes = ranked
            .into_iter()
            // a guess beside a proof is noise
            .filter(|&(i, _)| {
                !sure || self.findings[i].confidence < Confidence::Possible || !self.shares_symptom(start, i)
            })
            .map(|(i, _)| Cause { finding: self.findings[i].clone(), chain: self.chain(start, i) })
            .collect();
        let symptoms = symptoms.into_iter().map(|i| self.findings[i].clone()).collect();
        Verdict { causes, symptoms }
    }

    /// Whether everything this guess explains has a surer cause as well.
    fn shares_symptom(&self, start: &[usize], guess: usize) -> bool {
        start.iter().map(|&i| self.roots(i)).filter(|roots| roots.contains(&guess)).all(|roots| {
            roots.iter().any(|&r| {
                self.findings[r].class.role() == Role::Cause && self.findings[r].confidence < Confidence::Possible
            })
        })
    }
}

/// The object, its controllers, and the pods and sets below its top controller.
fn family(evidence: &Evidence, object: &Object) -> BTreeSet<ObjectRef> {
    let mut family = BTreeSet::from([object.re.clone()]);
    let mut up = object;
    for _ in 0..6 {
        let Some(owner) = evidence.owner(up) else { break };
        family.insert(owner.re.clone());
        up = owner;
    }
    // an alert on one pod is about that pod and its template, not about a sibling's own trouble
    if object.kind() != "Pod" {
        let mut stack: Vec<&Object> = evidence.owned(object).collect();
        while let Some(next) = stack.pop() {
            if family.insert(next.re.clone()) {
                stack.extend(evidence.owned(next));
            }
        }
    }
    family
}
