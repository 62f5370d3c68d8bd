import { NEVER } from 'rxjs';
import type { PipelineEndpoint } from '../pipeline-endpoint.ts';

/** For an endpoint that is not there yet, where a pipeline is made to see whether it can be. */
export class TrialEndpoint implements PipelineEndpoint {
  readonly received$ = NEVER;
  readonly presence = undefined;
  readonly channels = undefined;
  readonly hasHistory = false;

  pause(): void {}

  resume(): void {}

  deliver(): void {}

  publish(): void {}

  historyBegins(): void {}

  historyIsRead(): void {}
}
