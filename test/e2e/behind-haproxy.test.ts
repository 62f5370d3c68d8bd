import { proxyContract } from '../contract/proxy-contract.ts';
import { checkOwnFile, requireHaproxy } from '../services/haproxy.ts';

proxyContract({ name: 'HAProxy', require: requireHaproxy, check: checkOwnFile, isFine: /is valid/ });
