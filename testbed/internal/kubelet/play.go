package kubelet

import (
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// PlayKey is the annotation that says what happens to a pod or a node; most faults need none, since a wrong image, a
// missing config map or a missing secret is found by looking.
const PlayKey = "testbed.midwatch.dev/play"

// Play is what a pod does.
type Play struct {
	// Attach, Mount and Sandbox are event texts that keep the pod from starting.
	Attach  string `json:"attach,omitempty"`
	Mount   string `json:"mount,omitempty"`
	Sandbox string `json:"sandbox,omitempty"`
	// Evict is the message with which the node evicts the pod after a moment.
	Evict string `json:"evict,omitempty"`
	// VolumePercent is how full a claim's volume is, by volume name; 40 unless stated.
	VolumePercent map[string]int `json:"volumePercent,omitempty"`
	// Containers say what each container's process does, by container name.
	Containers map[string]Act `json:"containers,omitempty"`
}

// Act is what one container's process does. Without one it runs and is ready, or, in a job, ends with 0.
type Act struct {
	// Start is the runtime's error when the process cannot be started at all.
	Start string `json:"start,omitempty"`
	// Exit is the code with which the process ends, After how long.
	Exit  *int32          `json:"exit,omitempty"`
	After metav1.Duration `json:"after,omitempty"`
	// OOM ends the process with 137, reason OOMKilled.
	OOM bool `json:"oom,omitempty"`
	// Message is the termination message.
	Message string `json:"message,omitempty"`
	// Readiness, Liveness and Startup are the outputs of a failing probe.
	Readiness string `json:"readiness,omitempty"`
	Liveness  string `json:"liveness,omitempty"`
	Startup   string `json:"startup,omitempty"`
	// Log is what the process prints, the same in every run; $(SERVICE_IP:name) in it stands for a service's address.
	Log string `json:"log,omitempty"`
	// CPU and Memory are what the metrics API says about it.
	CPU    string `json:"cpu,omitempty"`
	Memory string `json:"memory,omitempty"`
	// NoMetrics leaves the pod out of the metrics API.
	NoMetrics bool `json:"noMetrics,omitempty"`
}

// NodePlay is what a node that we play ourselves reports.
type NodePlay struct {
	// Conditions replace the healthy ones of the same type.
	Conditions []v1.NodeCondition `json:"conditions,omitempty"`
	// LostAfter is when the kubelet stops to report; zero means never.
	LostAfter metav1.Duration `json:"lostAfter,omitempty"`
}

// parse reads a play; $(POD_IP) in it stands for the pod's address.
func parse(annotations map[string]string, ip string, into any) error {
	text, found := annotations[PlayKey]
	if !found {
		return nil
	}
	return yaml.UnmarshalStrict([]byte(strings.ReplaceAll(text, "$(POD_IP)", ip)), into)
}

// ends says whether the process stops by itself, and how.
func (a Act) ends(inJob bool) (code int32, after time.Duration, ends bool) {
	switch {
	case a.OOM:
		return 137, a.After.Duration + time.Second, true
	case a.Exit != nil:
		return *a.Exit, a.After.Duration + time.Second, true
	case inJob && a.Readiness == "" && a.Liveness == "" && a.Startup == "":
		return 0, time.Second, true
	}
	return 0, 0, false
}
