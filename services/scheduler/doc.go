// Package scheduler runs tasks: reloads, external programs and what else an
// executor can do, by the clock and in chains.
//
// What is going on stands on a [Board]: executions that have not ended, how far
// each schedule has fired, which rules of a chain are met. The board is changed
// in transactions of a [Store] only, by rules that are plain functions of the
// board and the time:
//
//	schedule due → Fire → Trigger → queued → Claim by a worker → started → Finish
//	                                  ↑ retries left ←───────────────────────┤
//	             chain complete → Trigger ←──────────────────────────────────┘
//
// So a manager or a worker may die between any two steps. A slot of a schedule
// fires once, as the board notes it in the same transaction; an attempt runs
// once, as it is claimed before it is begun and belongs to its claim; a worker
// that is not heard of loses its attempts, which end as errors and are tried
// again; a worker that cannot tell the board that it lives stops what it runs.
package scheduler
