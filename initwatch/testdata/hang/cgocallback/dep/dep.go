// Package dep waits for a C thread that calls Go.
package dep

// #include <pthread.h>
// extern void called(void);
// static void *run(void *unused) { called(); return 0; }
// static void join(void) {
//	pthread_t thread;
//	pthread_create(&thread, 0, run, 0);
//	pthread_join(thread, 0);
// }
import "C"

func init() {
	start() // init.0: cgo callback
}

func start() {
	C.join() // waits
}
