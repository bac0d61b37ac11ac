package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"midwatch.dev/testbed/internal/harness"
)

func up(args []string) error {
	o := harness.Options{Home: home(), Bin: bin()}
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	flags.StringVar(&o.Dir, "dir", "", "a new or empty folder, removed at the end (default: a temporary one)")
	flags.Var((*list)(&o.Webhooks), "webhook", "where Alertmanager posts to; may be repeated")
	flags.StringVar(&o.SMTP, "smtp", "", "mail server to which Alertmanager sends, HOST:PORT")
	flags.StringVar(&o.PrometheusPush, "prometheus-push", "", "where Prometheus pushes alerts to itself (URL/api/v2/alerts)")
	flags.IntVar(&o.Nodes, "nodes", 2, "healthy nodes of 4 CPU and 8 GiB")
	flags.BoolVar(&o.NoPrometheus, "no-prometheus", false, "leave Prometheus and Alertmanager out")
	flags.DurationVar(&o.AlertFor, "alert-for", 3*time.Second, "how long a condition must hold before its alert fires")
	wait := flags.Bool("wait", false, "stop when standard input closes or the parent ends")
	detach := flags.Bool("detach", false, "go on in the background; `testbed down` stops it")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	if *detach {
		return detached(args)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if *wait {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go untilAlone(cancel)
	}
	bed, err := harness.Up(ctx, o)
	if err != nil {
		return err
	}
	defer bed.Stop()
	if err := printJSON(bed.State); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-bed.Died():
		return err
	}
}

// untilAlone calls stop when standard input closes or the parent process ends.
func untilAlone(stop func()) {
	parent := os.Getppid()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	for os.Getppid() == parent {
		time.Sleep(300 * time.Millisecond)
	}
	stop()
}

// detached runs `up` again in a session of its own and returns once that one is ready.
func detached(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--detach" || a == "-detach" })
	cmd := exec.Command(self, append([]string{"up"}, args...)...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return errors.Join(cmd.Wait(), errors.New("the test bed did not start"))
	}
	fmt.Print(line)
	return nil
}

func down(args []string) error {
	flags := flag.NewFlagSet("down", flag.ExitOnError)
	dir := dirFlag(flags)
	if _, err := parse(flags, args); err != nil {
		return err
	}
	state, err := harness.Load(*dir)
	if err != nil {
		return err
	}
	if err := syscall.Kill(state.Supervisor, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	for range 100 {
		if _, err := os.Stat(state.Dir); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("the test bed in %s is still there after 10 seconds", state.Dir)
}
