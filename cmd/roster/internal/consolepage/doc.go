// Package consolepage serves the console of a daemon to a browser: what is
// registered, who asks in vain, how plugins, capabilities, services and regions
// stand, and the kill switch.
//
// Pages are rendered here and complete without a script. With one, a stream of
// server-sent events brings each part of the page again when it has changed,
// and the page says since when it is stale if the stream is silent. Nothing is
// loaded from elsewhere.
//
// # Concurrency properties
//
// A [Console] is safe for concurrent use. It looks at its [Source] only while
// somebody looks at it, at most once in [Options.Interval] for all who do; at
// the counts of misses it looks every five seconds. It owns the goroutine that
// does, and those of the orders that it was given; [Console.Close] waits for
// them. A stream ends with its request, when [Options.Closing] is closed,
// or when its reader takes longer than ten seconds to take something.
package consolepage
