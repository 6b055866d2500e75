package qix

import (
	"context"
	"errors"
	"syscall"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/query"
	"github.com/cognate-bi/cognate/engine/session"
)

// An Error is what a client is told.
type Error struct {
	Code               int
	Parameter, Message string
}

// Error implements error.
func (e *Error) Error() string { return e.Message + ": " + e.Parameter }

// Codes of JSON-RPC and of the protocol that this package makes itself.
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeUnknownMethod  = -32601
	codeInvalidParams  = -32602
	codeInternal       = -32603
	codeNotFound       = 2
	codeInvalid        = 8
	codeAborted        = 15
	codeMemoryLimit    = 19
	codeNoDoc          = 1007
)

// known says how the errors of the layers below are told. The first that
// matches counts.
var known = []struct {
	err     error
	code    int
	message string
}{
	{context.Canceled, codeAborted, "Request aborted"},
	{query.ErrAborted, codeAborted, "Request aborted"},
	{session.ErrNoDoc, codeNoDoc, "App invalid"},
	{session.ErrOtherDoc, 1002, "App already open"},
	{session.ErrModal, 6003, "Modal object error"},
	{session.ErrHandle, codeInvalidParams, "Invalid handle"},
	{session.ErrPath, 4, "Invalid path"},
	{session.ErrState, codeInvalid, "Invalid parameters"},
	{session.ErrUnsupported, 20, "Not implemented"},
	{session.ErrDamaged, 3002, "File corrupt"},
	{session.ErrTooLarge, 7009, "Pages too large"},
	{session.ErrInvalid, codeInvalid, "Invalid parameters"},
	{object.ErrNotFound, codeNotFound, "Object not found"},
	{object.ErrExists, 3, "Already exists"},
	{object.ErrInvalid, codeInvalid, "Invalid parameters"},
	{tree.ErrPath, 4, "Invalid path"},
	{access.ErrDenied, 5, "Access denied"},
	{app.ErrNotFound, 1003, "App not found"},
	{app.ErrExists, 1000, "App already exists"},
	{app.ErrMemory, codeMemoryLimit, "Memory limit reached"},
	{app.ErrReloading, 11000, "Reload in progress"},
	{app.ErrConnection, 2001, "Connection not found"},
	{app.ErrConnExists, 2000, "Connection already exists"},
	{app.ErrSessionApp, 5, "Access denied"},
	{app.ErrStateName, codeInvalid, "Invalid parameters"},
	{app.ErrVariable, 18001, "A variable with this name already exists"},
}

// errorOf turns any error into what the client is told. internal says that
// the error was not foreseen: the log has to know it.
func errorOf(err error) (e *Error, internal bool) {
	if errors.As(err, &e) {
		return e, false
	}
	for _, k := range known {
		if errors.Is(err, k.err) {
			parameter := err.Error()
			if k.err == session.ErrNoDoc {
				parameter = "No active document" // clients compare it
			}
			return &Error{k.code, parameter, k.message}, false
		}
	}
	for _, w := range unwritten {
		if errors.Is(err, w.err) {
			return &Error{codeInternal, w.parameter, "Not saved"}, true
		}
	}
	return &Error{codeInternal, err.Error(), "Internal error"}, true
}

// unwritten are the ways in which the system does not take what is to be saved.
var unwritten = []struct {
	err       error
	parameter string
}{
	{syscall.ENOSPC, "There is no room left on the disk of the server. Your changes are in memory: save again when there is."},
	{syscall.EDQUOT, "The server may not use more of its disk. Your changes are in memory: save again when it may."},
	{syscall.EROFS, "The disk of the server cannot be written at the moment. Your changes are in memory: save again when it can."},
}

func invalid(parameter string) *Error {
	return &Error{codeInvalidParams, parameter, "Invalid method parameter(s)"}
}
