// Package rules decides who may do what: it parses security rules, evaluates
// them, explains and audits the decisions.
//
// Terms. A rule grants actions on the resources that its filter fits to users
// for whom its condition holds. Rules only add: there is no deny and no order
// of meaning. A condition reads attributes of the user, of the resource, of
// what the resource is related to, and, for load balancing, of a node. It may
// ask for another right of the same user (HasPrivilege).
//
// Steps of a decision:
//
//  1. A RuleSet is compiled once from all stored rules; it never changes.
//  2. An Access is one user's request against it. Per resource it takes the
//     rules whose filter fits the type, most useful first, skips those that
//     can add nothing, and stops when all wanted actions are granted.
//  3. A Guard holds the current RuleSet and keeps results per user, until a
//     rule, the user or an entity changes.
//
// The data that rules see is behind the interface Entity. The package reads
// no database and knows no HTTP.
package rules
