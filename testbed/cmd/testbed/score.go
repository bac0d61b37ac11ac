package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"time"

	"midwatch.dev/testbed/internal/catalogue"
)

// verdict is what score prints: which faults were named, which not, and what was named beside them.
type verdict struct {
	Named   []string          `json:"named"`
	Missed  []string          `json:"missed"`
	Extra   []catalogue.Cause `json:"extra"`
	Classes int               `json:"classes"`
	Seconds float64           `json:"seconds"`
}

// score asks midwatch for the whole cluster once and compares its causes with what the catalogue expects, object and class.
func score(args []string) error {
	flags := flag.NewFlagSet("score", flag.ExitOnError)
	dir := dirFlag(flags)
	program := flags.String("midwatch", "midwatch", "the program to ask")
	names, err := parse(flags, args)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		names = []string{"all"}
	}
	faults, err := chosen(names)
	if err != nil {
		return err
	}
	cluster, err := open(*dir)
	if err != nil {
		return err
	}
	began := time.Now()
	causes, err := diagnose(*program, cluster)
	if err != nil {
		return err
	}
	v := compare(faults, causes)
	v.Seconds = time.Since(began).Seconds()
	if err := printJSON(v); err != nil {
		return err
	}
	if len(v.Missed)+len(v.Extra) > 0 {
		return fmt.Errorf("%d of %d faults named, %d causes too many", len(v.Named), len(faults), len(v.Extra))
	}
	return nil
}

func diagnose(program string, cluster catalogue.Cluster) ([]catalogue.Cause, error) {
	cmd := exec.Command(program, "diagnose", "--context", "tool-a", "-o", "json")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+cluster.State.Kubeconfig)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	// Exit code 1 says that causes were found.
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() < 3) {
		return nil, fmt.Errorf("%s diagnose: %w", program, err)
	}
	var report struct {
		Causes []struct {
			Object catalogue.Cause `json:"object"`
			Class  string          `json:"class"`
		} `json:"causes"`
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, fmt.Errorf("%s diagnose printed no report: %w", program, err)
	}
	var causes []catalogue.Cause
	for _, c := range report.Causes {
		c.Object.Class = c.Class
		causes = append(causes, c.Object)
	}
	return causes, nil
}

func compare(faults []catalogue.Fault, causes []catalogue.Cause) verdict {
	v := verdict{Named: []string{}, Missed: []string{}, Extra: []catalogue.Cause{}}
	open, classes := map[catalogue.Cause]bool{}, map[string]bool{}
	for _, c := range causes {
		open[c] = true
	}
	expected := map[catalogue.Cause]bool{}
	for _, f := range faults {
		expected[f.Expected] = true
		if open[f.Expected] {
			v.Named = append(v.Named, f.Name)
			classes[f.Expected.Class] = true
		} else {
			v.Missed = append(v.Missed, f.Name)
		}
	}
	for _, c := range causes {
		if !expected[c] {
			v.Extra = append(v.Extra, c)
		}
	}
	v.Classes = len(classes)
	return v
}
