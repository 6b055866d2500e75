// Package api is the REST interface of the repository, below /qrs/.
//
// A handler reads its parameters, calls the repository once and hands back what
// it answered; [Server.Handle] is the one place where an error becomes a status
// and a text. Standard operations of all types go one way ([Server.standard]),
// special ones are a table ([routes]). What the interface has and this server
// does not answers 501 with its name; docs/qrs.md says which is which.
//
// Source: the facts in the reference of the interface (qrs-api, 38.22.0).
package api
