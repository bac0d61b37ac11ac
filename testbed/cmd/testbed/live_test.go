package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"midwatch.dev/testbed/internal/catalogue"
	"midwatch.dev/testbed/internal/harness"
)

// launch starts a real test bed; `testbed/run test` says where the programs are.
func launch(t *testing.T) (*exec.Cmd, harness.State, func()) {
	t.Helper()
	programs := os.Getenv("TESTBED_PROGRAM")
	if programs == "" {
		t.Skip("needs the built programs: run `testbed/run test`")
	}
	cmd := exec.Command(programs, "up", "--wait", "--no-prometheus")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var state harness.State
	if err := json.Unmarshal([]byte(line), &state); err != nil {
		t.Fatal(err)
	}
	return cmd, state, func() { _ = in.Close() }
}

// gone waits until neither the programs nor the folder are there.
func gone(t *testing.T, state harness.State) {
	t.Helper()
	left := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		left = ""
		for name, pid := range state.Pids {
			if syscall.Kill(pid, 0) == nil {
				left += " " + name
			}
		}
		if _, err := os.Stat(state.Dir); !errors.Is(err, os.ErrNotExist) {
			left += " " + state.Dir
		}
		if left == "" {
			return
		}
	}
	t.Errorf("left behind:%s", left)
}

func TestNothingIsLeftAfterAKill(t *testing.T) {
	cmd, state, _ := launch(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	gone(t, state)
}

func TestTwoSideBySideAndTheIncidentIsMended(t *testing.T) {
	first, one, closeFirst := launch(t)
	second, two, closeSecond := launch(t)
	if one.APIServer == two.APIServer {
		t.Fatal("two test beds share an API server")
	}
	home, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cluster := catalogue.Cluster{State: one, Home: home}
	incident, err := catalogue.Find(home, "seed-incident")
	if err != nil {
		t.Fatal(err)
	}
	faults := []catalogue.Fault{incident}
	if err := errors.Join(cluster.Make(faults), await(cluster, faults, time.Minute), cluster.Repair(incident)); err != nil {
		t.Fatal(err)
	}
	pull := catalogue.Fault{Name: "mended", Shows: []catalogue.Show{{Get: "get pods -n aiops", Text: "ImagePullBackOff"}, {Get: "get pvc -n aiops", Text: "Bound"}}}
	if err := await(cluster, []catalogue.Fault{pull}, time.Minute); err != nil {
		t.Error(err)
	}
	out, err := catalogue.Cluster{State: two}.Kubectl("", "get", "namespaces")
	if err != nil || strings.Contains(out, "aiops") {
		t.Errorf("the second test bed shows the first one's namespaces: %s (%v)", out, err)
	}
	closeFirst()
	closeSecond()
	if err := errors.Join(first.Wait(), second.Wait()); err != nil {
		t.Error(err)
	}
	gone(t, one)
	gone(t, two)
}
