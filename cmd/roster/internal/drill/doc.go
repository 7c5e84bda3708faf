// Package drill rehearses the loss of a region against regions that run: it has one of them play
// dead for a while, writes and reads probe records in all of them meanwhile, waits until they
// have converged, and says what was lost, how long reads and writes failed and where, and how
// far behind the regions were.
//
// The package holds the procedure and the report, and reaches the regions through [Region]; how
// a region is made to play dead, and how it is asked, is the daemon's business. What a region
// loses by a drill is nothing that it would not have lost anyway: playing dead is refusing, and
// the region ends it by a timer of its own, whether or not anybody asks it to.
//
// # What it proves
//
// A probe write counts as acknowledged when its region has said so. Every acknowledged write has
// to be in every region in the end, also those that the region acknowledged last, when it could
// not ship them any more. Outages are measured on the clock of the process that runs the drill,
// from the moment the first failed request was sent to the moment the next success was answered,
// so they are never too short, and too long by [Options] Interval and a round trip at most.
//
// # Concurrency properties
//
// [Run] owns every goroutine that it starts and returns when all have ended. It uses each Region
// from several goroutines at once.
package drill
