// Package bench compares Roster with what people use today, side by side in
// one run. It holds benchmarks only and is never published.
package bench
