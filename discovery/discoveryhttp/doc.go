// Package discoveryhttp connects net/http to package discovery: a [Transport] sends
// requests to the instances of a service, and [Serve] announces a server while it serves.
//
//	client := &http.Client{Transport: discoveryhttp.NewTransport(view, discoveryhttp.Options{})}
//	response, err := client.Get("http://payments.roster/v1/invoices")
//
// # Concurrency properties
//
// A [Transport] is safe for concurrent use. It starts no goroutine of its own; those of its
// base transport are ended by [Transport.CloseIdleConnections]. It has a
// [pick.Balancer] for each service that was asked for, up to [MaxServices].
package discoveryhttp
