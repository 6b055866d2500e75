// Command cognate is the Cognate analytics server and its tools.
//
//	cognate serve --apps ./apps          engine and page on http://127.0.0.1:4848
//	cognate reload sales.qvs             run a load script and show its tables
//
// A command is a struct with flags and a Run method; what it does is in the
// packages that it calls.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line.
type cli struct {
	LogLevel slog.Level `help:"Least level that is logged: DEBUG, INFO, WARN, ERROR." default:"INFO"`

	Serve  serveCmd  `cmd:"" help:"Run the engine and the page."`
	Run    serveCmd  `cmd:"" help:"The same as serve." hidden:""`
	Site   siteCmd   `cmd:"" help:"Run a site: log-in, hub, rules, engine."`
	Engine engineCmd `cmd:"" help:"Run the engine alone."`
	Reload reloadCmd `cmd:"" help:"Run a load script and show its tables."`
	Eval   evalCmd   `cmd:"" help:"Evaluate expressions against an app or a script."`
	QVD    qvdCmd    `cmd:"" name:"qvd" help:"Look into QVD files, convert and rekey them."`
	App    appCmd    `cmd:"" help:"Look into app files, import, export, rekey and unpack them."`
	Bench  benchCmd  `cmd:"" help:"Measure the engine with right answers."`
}

const description = `Open associative analytics: load scripts, selections, hypercubes, and the QIX protocol.

Examples:
  cognate serve --apps ./apps
  cognate eval --script sales.qvs --select Region=North 'Sum(Amount)'`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cognate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var c cli
	parser, err := kong.New(&c, kong.Name("cognate"), kong.Description(description), kong.UsageOnError())
	if err != nil {
		return err
	}
	k, err := parser.Parse(args)
	if err != nil {
		return fmt.Errorf("%w (cognate --help shows what there is)", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(log); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
