// Testbed starts and stops a real control plane with friends, and brings faults into it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"

	"midwatch.dev/testbed/internal/harness"
)

const usage = `usage: testbed COMMAND
  up      [--dir DIR] [--webhook URL]... [--smtp HOST:PORT] [--prometheus-push URL] [--nodes N] [--no-prometheus]
          [--alert-for DURATION] [--wait | --detach]     start, print one line of JSON, stay until told to stop
  down    --dir DIR                                      stop one that was started elsewhere
  apply   --dir DIR FILE...                              kubectl apply
  kubectl --dir DIR ARGS...                              kubectl with this test bed's kubeconfig
  fault   --dir DIR NAME... | --dir DIR all | --list     bring faults up; --check waits until each shows
  mend    --dir DIR NAME                                 repair one
  load    --dir DIR --compare | --pods N                 the cluster of the comparison, or N healthy pods
  score   --dir DIR --midwatch PROGRAM [NAME...]         does one diagnosis name every fault, and nothing else?
--dir may be left out when TESTBED_DIR is set.`

func init() {
	// The kernel ends our children when the thread that started them ends: keep to the first one, which never does.
	runtime.LockOSThread()
}

func main() {
	commands := map[string]func([]string) error{
		"up": up, "down": down, "apply": apply, "kubectl": kubectl, "fault": fault, "mend": mend, "load": load, "score": score,
		harness.JanitorCommand: func(args []string) error { return harness.Janitor(args[0]) },
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "testbed:", err)
		os.Exit(1)
	}
}

// home is the folder of manifests, bin the folder of programs; `testbed/run` sets both.
func home() string { return os.Getenv("TESTBED_HOME") }
func bin() string  { return os.Getenv("TESTBED_BIN") }

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

// Set adds one.
func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// parse allows flags behind other arguments and returns those others.
func parse(flags *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		args = flags.Args()
		if len(args) == 0 {
			return rest, nil
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

func dirFlag(flags *flag.FlagSet) *string {
	return flags.String("dir", os.Getenv("TESTBED_DIR"), "folder of the test bed")
}

func printJSON(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}
