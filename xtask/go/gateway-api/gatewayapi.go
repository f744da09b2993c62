// Package gatewayapi keeps the conformance suite among the requirements of this module.
package gatewayapi

import _ "sigs.k8s.io/gateway-api/conformance"
