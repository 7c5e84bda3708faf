// Package demo shows three regions on one machine: it starts a daemon for each, lets them reach
// each other through gates that it can cut, does to them what happens to regions, and checks
// every claim that it makes on the way.
//
// # Concurrency properties
//
// [Run] owns the processes and goroutines that it starts, and the folder of their data; all are
// gone when it returns.
package demo
