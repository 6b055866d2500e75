package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run this program as the command cognate.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cognate": main})
}

// TestCommands runs testdata/*.txtar: what users try to do, and what they see.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"certificate": certificateCommand, "flip": flipCommand, "cut": cutCommand,
		},
	})
}
