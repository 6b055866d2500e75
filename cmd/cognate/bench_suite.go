package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/bench"
)

// suiteFlags are those of the proof against peers.
type suiteFlags struct {
	Out      string        `help:"Run the proof beside other engines and write report.md, report.json and report.html into this folder." type:"path" placeholder:"DIR"`
	List     bool          `help:"List the workloads of --out."`
	Workload []string      `help:"Only these workloads of --out." placeholder:"NAME"`
	Peers    string        `help:"Folder with the scripts of other engines and what npm installed for them." type:"path" default:"bench/peers"`
	Flights  string        `help:"Folder data of the npm package vega-datasets; without it flights are left out of --out." type:"path" placeholder:"DIR"`
	Sessions []int         `help:"Numbers of users at a time." default:"1,10,100,1000"`
	Think    time.Duration `help:"How long a user thinks between two clicks, on average." default:"5s"`
	Measured time.Duration `help:"How long each number of users is measured." default:"20s"`
	Users    int           `help:"Users of the site, who share its sessions." default:"200"`
	Idle     int           `help:"Sessions of the site that do nothing." default:"10000"`
	IdleRest time.Duration `help:"How long they do that." default:"70s"`
	Profile  bool          `help:"Write cpu.pprof and allocs.pprof into --out too, and profiles of the site's heap."`
	Figures  bool          `hidden:"" help:"Print the figures as JSON: this is a process for one workload."`
}

func (c *benchCmd) suiteConfig() bench.SuiteConfig {
	self := c.self
	if c.Figures {
		self = nil // this is such a process
	}
	profiles := ""
	if c.Profile {
		profiles = c.Out
	}
	return bench.SuiteConfig{
		Config: bench.Config{ScaleFactor: c.SF, Folder: c.Folder, Repetitions: c.Repetitions, Workers: c.Workers},
		Work:   c.Workload, Peers: c.Peers, Flights: c.Flights, Sessions: c.Sessions, Think: c.Think, Measured: c.Measured, Self: self,
		Site: func(ctx context.Context, args ...string) *exec.Cmd {
			return exec.CommandContext(ctx, os.Args[0], append([]string{"site"}, args...)...)
		},
		Users: c.Users, Idle: c.Idle, IdleRest: c.IdleRest, Profiles: profiles,
	}
}

// self returns this program as a process that measures one workload.
func (c *benchCmd) self(ctx context.Context, workload string) *exec.Cmd {
	sessions := strings.Trim(fmt.Sprint(c.Sessions), "[]")
	args := []string{
		"bench", "--figures", "--workload", workload, "--sf", strconv.FormatFloat(c.SF, 'g', -1, 64),
		"--repetitions", strconv.Itoa(c.Repetitions), "--sessions", strings.ReplaceAll(sessions, " ", ","),
		"--think", c.Think.String(), "--measured", c.Measured.String(),
	}
	if c.Folder != "" {
		args = append(args, "--folder", c.Folder)
	}
	return exec.CommandContext(ctx, os.Args[0], args...)
}

// runSuite runs the proof and writes its report.
func (c *benchCmd) runSuite(ctx context.Context, log *slog.Logger) error {
	if c.List {
		for _, w := range bench.Workloads() {
			fmt.Printf("%-12s %s\n", w[0], w[1])
		}
		return nil
	}
	run := func() (*bench.Report, error) {
		return bench.RunSuite(ctx, c.suiteConfig(), func(workload string) { log.Info("measuring", "workload", workload) })
	}
	if c.Figures {
		r, err := run()
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	var r *bench.Report
	var err error
	if c.Profile {
		err = profiled(c.Out, func() (err error) { r, err = run(); return err })
	} else {
		r, err = run()
	}
	if err != nil {
		return err
	}
	if err := r.WriteFolder(c.Out); err != nil {
		return err
	}
	return r.WriteGoals(os.Stdout)
}

// profiled runs f and writes the profiles of processor time and allocations.
func profiled(dir string, f func() error) (err error) {
	cpu, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err != nil {
		return err
	}
	defer cpu.Close()
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return err
	}
	err = f()
	pprof.StopCPUProfile()
	if err != nil {
		return err
	}
	runtime.GC()
	allocs, err := os.Create(filepath.Join(dir, "allocs.pprof"))
	if err != nil {
		return err
	}
	defer allocs.Close()
	return pprof.Lookup("allocs").WriteTo(allocs, 0)
}
