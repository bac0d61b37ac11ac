package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"midwatch.dev/testbed/internal/catalogue"
	"midwatch.dev/testbed/internal/harness"
)

func open(dir string) (catalogue.Cluster, error) {
	state, err := harness.Load(dir)
	return catalogue.Cluster{State: state, Home: home()}, err
}

func apply(args []string) error {
	flags := flag.NewFlagSet("apply", flag.ExitOnError)
	dir := dirFlag(flags)
	files, err := parse(flags, args)
	if err != nil {
		return err
	}
	cluster, err := open(*dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := cluster.Apply(string(body)); err != nil {
			return err
		}
	}
	return nil
}

// kubectl becomes kubectl: only a --dir in front is ours, everything else belongs to it.
func kubectl(args []string) error {
	dir := os.Getenv("TESTBED_DIR")
	if len(args) > 1 && args[0] == "--dir" {
		dir, args = args[1], args[2:]
	}
	cluster, err := open(dir)
	if err != nil {
		return err
	}
	environment := append(os.Environ(), "KUBECONFIG="+cluster.State.Kubeconfig)
	return syscall.Exec(cluster.State.Kubectl, append([]string{"kubectl"}, args...), environment)
}

func fault(args []string) error {
	flags := flag.NewFlagSet("fault", flag.ExitOnError)
	dir := dirFlag(flags)
	show := flags.Bool("list", false, "print the catalogue as JSON")
	check := flags.Bool("check", false, "wait until each fault shows what its fault.yaml says")
	patience := flags.Duration("patience", 2*time.Minute, "how long --check waits")
	names, err := parse(flags, args)
	if err != nil {
		return err
	}
	faults, err := chosen(names)
	if err != nil {
		return err
	}
	if *show {
		return printJSON(faults)
	}
	cluster, err := open(*dir)
	if err != nil {
		return err
	}
	if err := cluster.Make(faults); err != nil || !*check {
		return err
	}
	return await(cluster, faults, *patience)
}

// chosen is the named faults; `all`, or no name at all, means every one that leaves the rest of the cluster alone.
func chosen(names []string) ([]catalogue.Fault, error) {
	everything, err := catalogue.List(home())
	if err != nil {
		return nil, err
	}
	var faults []catalogue.Fault
	if len(names) == 0 || names[0] == "all" {
		for _, f := range everything {
			if !f.Exclusive || len(names) == 0 {
				faults = append(faults, f)
			}
		}
		return faults, nil
	}
	for _, name := range names {
		f, err := catalogue.Find(home(), name)
		if err != nil {
			return nil, err
		}
		faults = append(faults, f)
	}
	return faults, nil
}

// await asks until every fault shows, and says how long each took.
func await(cluster catalogue.Cluster, faults []catalogue.Fault, patience time.Duration) error {
	began := time.Now()
	for len(faults) > 0 {
		var open []catalogue.Fault
		var problems []string
		for _, f := range faults {
			if missing := cluster.Missing(f); len(missing) > 0 {
				open = append(open, f)
				problems = append(problems, f.Name+": "+strings.Join(missing, "; "))
				continue
			}
			fmt.Fprintf(os.Stderr, "%-32s shows after %.0f s\n", f.Name, time.Since(began).Seconds())
		}
		faults = open
		if len(open) > 0 && time.Since(began) > patience {
			return errors.New("not shown:\n" + strings.Join(problems, "\n"))
		}
	}
	return nil
}

func mend(args []string) error {
	flags := flag.NewFlagSet("mend", flag.ExitOnError)
	dir := dirFlag(flags)
	names, err := parse(flags, args)
	if err != nil {
		return err
	}
	cluster, err := open(*dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		f, err := catalogue.Find(home(), name)
		if err != nil {
			return err
		}
		if err := cluster.Repair(f); err != nil {
			return err
		}
	}
	return nil
}
