import { proxyContract } from '../contract/proxy-contract.ts';
import { checkOwnFile, requireNginx } from '../services/nginx.ts';

proxyContract({ name: 'nginx', require: requireNginx, check: checkOwnFile, isFine: /test is successful/ });
