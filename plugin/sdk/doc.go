// Package sdk is for authors of Roster plugins: programs that serve JSON
// functions and gRPC services to a Roster host.
//
//	func main() {
//		sdk.Serve(sdk.Plugin{Name: "greeter", Version: "1.0.0"},
//			sdk.Func("greet.hello", func(ctx context.Context, in struct{ Name string }) (struct{ Text string }, error) {
//				return struct{ Text string }{"Hello, " + in.Name}, nil
//			}))
//	}
//
// The host starts the program, asks it what it serves, hands it its
// configuration ([OnInit]), and asks now and then whether it is well
// ([OnHealth]). In the end it calls [OnShutdown] and closes the standard input;
// the same happens by itself when the host is gone.
//
// Log with log/slog: [Serve] makes the default logger write lines that keep
// their level and attributes in the host's log. What the program prints goes to
// that log too.
//
// # Concurrency properties
//
// Functions and services are called concurrently, also while OnHealth runs.
// OnInit has returned before the first call, and OnShutdown runs after the host
// has drained the calls; each runs once.
package sdk
