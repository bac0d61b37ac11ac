package kubelet

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// After so many restarts in quick succession the container rests in CrashLoopBackOff, as it would after an hour.
const quickRestarts = 4

// live plays one container: pull, configure, start, end, again. ended is false when the pod went away or the process
// never ends.
func (w *worker) live(ctx context.Context, c *v1.Container, init bool) (code int32, ended bool) {
	act := w.play.Containers[c.Name]
	for restarts := int32(0); ; restarts++ {
		if !w.pull(ctx, c, init) || !w.configure(ctx, c, init) {
			return 0, false
		}
		code, ended = w.process(ctx, c, act, init, restarts)
		if !ended {
			return 0, false
		}
		if !w.again(c, init, code) {
			return code, true
		}
		if !w.backOff(ctx, c, init, restarts) {
			return 0, false
		}
	}
}

// again says whether the restart policy wants the container back.
func (w *worker) again(c *v1.Container, init bool, code int32) bool {
	if init && c.RestartPolicy == nil {
		return code != 0 && w.pod.Spec.RestartPolicy != v1.RestartPolicyNever
	}
	if c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways {
		return true
	}
	switch w.pod.Spec.RestartPolicy {
	case v1.RestartPolicyNever:
		return false
	case v1.RestartPolicyOnFailure:
		return code != 0
	default:
		return true
	}
}

func (w *worker) waiting(ctx context.Context, c *v1.Container, init bool, reason, message string) {
	w.change(ctx, c.Name, init, func(s *v1.ContainerStatus) {
		s.Ready = false
		s.State = v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason, Message: message}}
	})
}

// pull waits until the image is there; false when the pod went away first.
func (w *worker) pull(ctx context.Context, c *v1.Container, init bool) bool {
	if text := nameError(c.Image); text != "" {
		return w.stuck(ctx, c, init, "InvalidImageName", "InspectFailed", text)
	}
	if c.ImagePullPolicy == v1.PullNever {
		text := fmt.Sprintf("Container image %q is not present with pull policy of Never", c.Image)
		return w.stuck(ctx, c, init, "ErrImageNeverPull", "ErrImageNeverPull", text)
	}
	failure := pullError(c.Image)
	if failure == "" {
		w.containerEvent(c.Name, init, v1.EventTypeNormal, "Pulled", fmt.Sprintf("Container image %q already present on machine", c.Image))
		return true
	}
	for wait := 2 * time.Second; ; wait = min(wait*2, 30*time.Second) {
		w.missingPullSecrets(ctx)
		w.containerEvent(c.Name, init, v1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", c.Image))
		w.waiting(ctx, c, init, "ErrImagePull", failure)
		w.containerEvent(c.Name, init, v1.EventTypeWarning, "Failed", fmt.Sprintf("Failed to pull image %q: %s", c.Image, failure))
		w.containerEvent(c.Name, init, v1.EventTypeWarning, "Failed", "Error: ErrImagePull")
		if !pause(ctx, time.Second) {
			return false
		}
		w.waiting(ctx, c, init, "ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %s", c.Image, failure))
		w.containerEvent(c.Name, init, v1.EventTypeNormal, "BackOff", fmt.Sprintf("Back-off pulling image %q", c.Image))
		w.containerEvent(c.Name, init, v1.EventTypeWarning, "Failed", "Error: ImagePullBackOff")
		if !pause(ctx, wait) {
			return false
		}
	}
}

func (w *worker) missingPullSecrets(ctx context.Context) {
	for _, ref := range w.pod.Spec.ImagePullSecrets {
		if _, found := w.keys(ctx, "secret", ref.Name); !found {
			w.events.Event(w.pod, v1.EventTypeWarning, "FailedToRetrieveImagePullSecret",
				fmt.Sprintf("Unable to retrieve some image pull secrets (%s); attempting to pull the image may not succeed.", ref.Name))
		}
	}
}

// stuck reports the same error until the pod goes away.
func (w *worker) stuck(ctx context.Context, c *v1.Container, init bool, reason, event, text string) bool {
	w.waiting(ctx, c, init, reason, text)
	for {
		w.containerEvent(c.Name, init, v1.EventTypeWarning, event, text)
		w.containerEvent(c.Name, init, v1.EventTypeWarning, "Failed", "Error: "+reason)
		if !pause(ctx, 10*time.Second) {
			return false
		}
	}
}

// configure waits until everything that the container's environment names is there.
func (w *worker) configure(ctx context.Context, c *v1.Container, init bool) bool {
	told := ""
	for wait := time.Second; ; wait = min(wait*2, 10*time.Second) {
		text := w.configError(ctx, c)
		if text == "" {
			return true
		}
		if text != told {
			w.waiting(ctx, c, init, "CreateContainerConfigError", text)
			told = text
		}
		w.containerEvent(c.Name, init, v1.EventTypeWarning, "Failed", "Error: "+text)
		if !pause(ctx, wait) {
			return false
		}
	}
}

// process starts the container and follows it to its end.
func (w *worker) process(ctx context.Context, c *v1.Container, act Act, init bool, restarts int32) (int32, bool) {
	id := fmt.Sprintf("containerd://%s-%s-%d", w.pod.UID, c.Name, restarts)
	w.containerEvent(c.Name, init, v1.EventTypeNormal, "Created", "Container created")
	if act.Start != "" {
		w.containerEvent(c.Name, init, v1.EventTypeWarning, "Failed", "Error: "+act.Start)
		w.rotate(c.Name, "")
		w.terminated(ctx, c, init, restarts, v1.ContainerStateTerminated{ExitCode: 128, Reason: "StartError", Message: act.Start, ContainerID: id})
		return 128, true
	}
	w.containerEvent(c.Name, init, v1.EventTypeNormal, "Started", "Container started")
	w.rotate(c.Name, w.resolve(ctx, act.Log))
	start := metav1.Now()
	ready, started := act.Readiness == "" && act.Startup == "" && act.Liveness == "", act.Startup == ""
	code, after, ends := act.ends(w.inJob || (init && c.RestartPolicy == nil))
	w.change(ctx, c.Name, init, func(s *v1.ContainerStatus) {
		s.State = v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: start}}
		s.RestartCount, s.ContainerID, s.ImageID = restarts, id, c.Image
		s.Ready, s.Started = ready && !(init && c.RestartPolicy == nil), &started
	})
	end := v1.ContainerStateTerminated{StartedAt: start, ContainerID: id, Message: act.Message}
	switch {
	case act.Liveness != "":
		return w.killedByProbe(ctx, c, act, init, restarts, end, "Liveness", act.Liveness)
	case act.Startup != "":
		return w.killedByProbe(ctx, c, act, init, restarts, end, "Startup", act.Startup)
	case ends:
		if !pause(ctx, after) {
			return 0, false
		}
		end.ExitCode, end.Reason = code, "Error"
		if act.OOM {
			end.Reason = "OOMKilled"
		} else if code == 0 {
			end.Reason = "Completed"
		}
		w.terminated(ctx, c, init, restarts, end)
		return code, true
	case act.Readiness != "":
		for {
			w.containerEvent(c.Name, init, v1.EventTypeWarning, "Unhealthy", "Readiness probe failed: "+act.Readiness)
			if !pause(ctx, 10*time.Second) {
				return 0, false
			}
		}
	}
	// A process that never ends: its worker has nothing more to do.
	return 0, false
}

func (w *worker) killedByProbe(ctx context.Context, c *v1.Container, act Act, init bool, restarts int32, end v1.ContainerStateTerminated, probe, output string) (int32, bool) {
	for range 3 {
		if !pause(ctx, 500*time.Millisecond) {
			return 0, false
		}
		w.containerEvent(c.Name, init, v1.EventTypeWarning, "Unhealthy", probe+" probe failed: "+output)
	}
	kind := map[string]string{"Liveness": "liveness", "Startup": "startup"}[probe]
	w.containerEvent(c.Name, init, v1.EventTypeNormal, "Killing", fmt.Sprintf("Container %s failed %s probe, will be restarted", c.Name, kind))
	end.ExitCode, end.Reason = 137, "Error"
	if act.Exit != nil {
		end.ExitCode = *act.Exit
	}
	w.terminated(ctx, c, init, restarts, end)
	return end.ExitCode, true
}

func (w *worker) terminated(ctx context.Context, c *v1.Container, init bool, restarts int32, end v1.ContainerStateTerminated) {
	end.FinishedAt = metav1.Now()
	started := false
	w.change(ctx, c.Name, init, func(s *v1.ContainerStatus) {
		s.Ready, s.Started, s.RestartCount = init && end.ExitCode == 0, &started, restarts
		s.State = v1.ContainerState{Terminated: &end}
	})
}

// backOff keeps the container down for a while. The text counts as a kubelet does (10 s, doubled up to 5 minutes); the
// wait itself is shorter.
func (w *worker) backOff(ctx context.Context, c *v1.Container, init bool, restarts int32) bool {
	if !pause(ctx, 500*time.Millisecond) {
		return false
	}
	said, wait := min(10*time.Second<<min(restarts, 5), 5*time.Minute), 700*time.Millisecond
	if restarts >= quickRestarts {
		wait = time.Minute
	}
	w.change(ctx, c.Name, init, func(s *v1.ContainerStatus) {
		s.LastTerminationState = s.State
		s.State = v1.ContainerState{Waiting: &v1.ContainerStateWaiting{
			Reason:  "CrashLoopBackOff",
			Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", said, c.Name, w.fullName()),
		}}
	})
	w.containerEvent(c.Name, init, v1.EventTypeWarning, "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s", c.Name, w.fullName()))
	return pause(ctx, wait)
}
